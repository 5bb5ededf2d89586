"""A member that never stops talking: a process of its own, which `flood` starts and tells when to begin.

    python -m benchmarks.micro.flooder KEY_FILE TARGET_FILE SECONDS

TARGET_FILE has the raw bytes of the flooded node's record. It prints `ready` once the node has taken it in, waits for
a line, then sends its own record, which the node knows, in one sealed datagram after the other as fast
as it can. It answers pings all the while, and prints at the end how many datagrams it sent.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.micro.material import make_author
from benchmarks.micro.peer import Peer, bound_socket
from node import lifeline
from protocol.security.key_file import parse_key_file
from protocol.wire.message import Claim, Packet
from protocol.wire.statement import Record, decode_statement

BURST = 64
"""Datagrams between two looks into the socket."""
MEETING_TRIES = 100


def flood(peer: Peer, duration_s: float) -> int:
    """Send without a pause; tell how many datagrams left."""
    packet = Packet((), (Claim(peer.record),))
    until = time.monotonic() + duration_s
    count = 0
    while time.monotonic() < until:
        for _ in range(BURST):
            try:
                peer.send(peer.seal(packet))
            except BlockingIOError:
                continue  # the kernel takes no more at this moment
            count += 1
        peer.answer_waiting()
    return count


def main(key_file: str, target_file: str, duration_s: float) -> int:
    """Run."""
    lifeline.hold()
    keyring = parse_key_file(Path(key_file).read_text(encoding="utf-8"))
    target = decode_statement(Path(target_file).read_bytes())
    if not isinstance(target, Record):
        return 2
    connection, address = bound_socket()
    with connection:
        peer = Peer(replace(make_author(keyring, 0), address=address), keyring, connection, target)
        for _ in range(MEETING_TRIES):
            peer.ping()
            time.sleep(0.02)
            if peer.answer_waiting():
                break
        print("ready", peer.author.id.hex(), flush=True)
        sys.stdin.readline()
        print(flood(peer, duration_s), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
