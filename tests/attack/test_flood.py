"""Too much of everything: noise, half-open handshakes, frames beyond bounds, the wrong protocol, our own echo."""

import http.client
import os
import socket
import struct
import threading
import time

import pytest

from protocol.purpose import Purpose
from protocol.wire.codec import encode_stream_message
from protocol.wire.framing import FRAME_SIZE_MAX
from protocol.wire.message import Claim, Join, Ping, StreamPing, StreamPong, SyncRoot
from tests.attack.insider import Insider, read_to_end
from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.cluster import Cluster

pytestmark = pytest.mark.end_to_end

MEMORY_GROWTH_MAX_KIB = 24 * 1024
"""What an attack may cost a node in resident memory: far above what its bounds allow, far below what came in."""


def _target(agent: AgentProcess) -> tuple[str, int]:
    host, port = agent.gossip.rsplit(":", 1)
    return host, int(port)


def _connect(agent: AgentProcess) -> socket.socket:
    return socket.create_connection(_target(agent), 5)


def test_garbage_datagrams_are_dropped_and_counted(three: Cluster) -> None:
    """Tens of thousands of datagrams of every size are dropped by reason, and cost no memory."""
    seed = three.seed
    before, memory = {reason: seed.drops(reason) for reason in ("too_short", "too_long", "version")}, seed.rss_kib()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        for number in range(20_000):
            size = (0, 1, 40, 82, 500, 1_400, 1_401, 9_000)[number % 8]
            noise.sendto(os.urandom(16).ljust(size, b"\x00")[:size], _target(seed))
    for reason, count in before.items():
        wait_until(f"{reason} is counted", lambda r=reason, c=count: seed.drops(r) > c)  # type: ignore[misc]
    assert seed.rss_kib() < memory + MEMORY_GROWTH_MAX_KIB


def test_datagrams_with_our_header_from_nobody_are_dropped(three: Cluster) -> None:
    """Sealed datagrams of senders that nobody knows are dropped before anything is derived for them."""
    seed = three.seed
    before = seed.drops("unknown_sender")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
        for _ in range(5_000):
            noise.sendto(b"\xd1\x01" + os.urandom(200), _target(seed))
    wait_until("they are counted", lambda: seed.drops("unknown_sender") > before + 500)


def test_own_echo_is_dropped(three: Cluster) -> None:
    """A reflector in front of a node's socket: what it sent itself comes back, and is counted as its own echo."""
    seed = three.seed
    mallory = Insider(seed, three.key_file, "mirror")
    before = seed.drops("own_echo")
    mallory.send(mallory.seal(Ping(1)))
    echoes = 0
    while echoes < 3:
        heard = mallory.socket.recv(2_048)
        if heard[6:22] == mallory.target_id:  # the other members speak to this one too
            mallory.send(heard)
            echoes += 1
    wait_until("the echoes are counted", lambda: seed.drops("own_echo") >= before + 3)
    mallory.close()


def test_http_at_the_gossip_port_is_refused(three: Cluster) -> None:
    """HTTP, TLS, SSH and noise are refused at their first bytes, without an answer that could be confused."""
    failed = three.seed.metric("shoal_handshakes_total", result="failed")
    openings = (
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"SSH-2.0-x\r\n",
        b"\x00" * 64,
    )
    for opening in openings:
        with _connect(three.seed) as connection:
            connection.sendall(opening)
            assert read_to_end(connection) == b""
    wait_until(
        "all are counted",
        lambda: three.seed.metric("shoal_handshakes_total", result="failed") >= failed + len(openings),
    )


def test_gossip_at_the_http_port_is_refused(three: Cluster) -> None:
    """A hello sent to the HTTP port gets an HTTP error, and HTTP goes on."""
    host, port = three.seed.url.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(b"\x00\x00\x01\x00SHOAL\x01" + os.urandom(200) + b"\r\n\r\n")
        assert read_to_end(connection)[:12] in (b"", b"HTTP/1.1 400")
    connection_ = http.client.HTTPConnection(host, int(port), timeout=5)
    connection_.request("GET", "/livez")
    assert connection_.getresponse().status == 200
    connection_.close()


@pytest.mark.parametrize("size", [0, 1_025, FRAME_SIZE_MAX, 2**31, 2**32 - 1])
def test_oversize_first_frame_is_refused(three: Cluster, size: int) -> None:
    """A first frame that announces nothing, or more than a hello, ends the stream at its length."""
    memory = three.seed.rss_kib()
    with _connect(three.seed) as connection:
        connection.sendall(struct.pack(">I", size) + b"SHOAL\x01")
        assert read_to_end(connection) == b""
    assert three.seed.rss_kib() < memory + MEMORY_GROWTH_MAX_KIB


def test_oversize_frame_after_the_handshake_is_refused(three: Cluster, insider: Insider) -> None:
    """An insider's frame beyond the bound ends its stream; it is not waited for."""
    connection, channel = insider.shake_hands()
    with connection:
        connection.sendall(struct.pack(">I", FRAME_SIZE_MAX + 1))
        read_to_end(connection)
    connection, channel = insider.shake_hands(Purpose.PING)
    with connection:
        connection.sendall(channel.seal(encode_stream_message(StreamPing(5))))
        assert channel.receive(connection.recv(4_096)), "the next stream is served"


@pytest.mark.parametrize("kind", ["truncated", "garbage", "out of turn", "changed", "silent"])
def test_broken_streams_after_the_handshake_end_alone(three: Cluster, insider: Insider, kind: str) -> None:
    """Whatever an insider does on its own stream, that stream ends and others are served."""
    connection, channel = insider.shake_hands()
    with connection:
        good = channel.seal(encode_stream_message(SyncRoot(1, bytes(8))))
        match kind:
            case "truncated":
                connection.sendall(good[: len(good) // 2])
                connection.shutdown(socket.SHUT_WR)
            case "garbage":
                connection.sendall(channel.seal(b"\xc1 no message"))
            case "out of turn":
                connection.sendall(channel.seal(encode_stream_message(StreamPong(1, 1))))
            case "changed":
                connection.sendall(good[:-1] + bytes((good[-1] ^ 1,)))
            case _:
                pass
        read_to_end(connection)
    connection, channel = insider.shake_hands(Purpose.PING)
    with connection:
        connection.sendall(channel.seal(encode_stream_message(StreamPing(5))))
        assert channel.receive(connection.recv(4_096))


def test_slow_handshakes_do_not_keep_others_out(three: Cluster) -> None:
    """With as many silent connections as a node serves, and more, a newcomer still joins."""
    seed = three.seed
    stop = threading.Event()
    open_ones: list[socket.socket] = []

    def hold_open() -> None:
        while not stop.is_set():
            try:
                connection = socket.create_connection(_target(seed), 2)
                connection.sendall(b"\x00\x00")
                open_ones.append(connection)
            except OSError:
                pass
            stop.wait(0.005)

    memory = seed.rss_kib()
    attacker = threading.Thread(target=hold_open)
    attacker.start()
    newcomer = three.other("newcomer")
    try:
        time.sleep(1)
        newcomer.start(join=[seed.gossip])
        wait_until("the newcomer is in", lambda: seed.sees("newcomer", "alive"), 30)
    finally:
        stop.set()
        attacker.join()
        for connection in open_ones:
            connection.close()
        newcomer.shoal("leave")
        newcomer.kill()
    assert seed.rss_kib() < memory + MEMORY_GROWTH_MAX_KIB


def test_introductions_beyond_the_budget_are_dropped(three: Cluster) -> None:
    """Thousands of new identities a second: what is over the budget is dropped, and members stay."""
    seed = three.seed
    before = seed.drops("introduction_budget")
    mallory = Insider(seed, three.key_file, "crowd")
    datagrams = []
    for number in range(900):
        record = mallory.compose(incarnation=mallory.incarnation + number)
        mallory.record = record
        datagrams.append(mallory.seal(Ping(number)))
    for datagram in datagrams:
        mallory.send(datagram)
    wait_until("some are over the budget", lambda: seed.drops("introduction_budget") > before)
    mallory.close()


def test_join_with_anothers_record_is_refused(three: Cluster, insider: Insider) -> None:
    """A join on an insider's stream with the record of another member breaks the protocol."""
    other = Insider(three.seed, three.key_file, "other")
    connection, channel = insider.shake_hands(Purpose.JOIN)
    with connection:
        connection.sendall(channel.seal(encode_stream_message(Join(Claim(other.record)))))
        read_to_end(connection)
    assert "other" not in three.seed.statuses()
    other.close()
