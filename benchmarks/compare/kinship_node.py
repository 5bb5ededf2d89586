"""One node of kinship as a program of its own: NAME HOST:PORT KEY|plain [SEED...], one line for each event.

Its events are read by a thread that waits in kinship's own core, and the main thread waits for a signal: so an idle
node is woken by nothing but kinship itself. SIGINT and SIGTERM leave. It imports nothing of the project.
"""

import os
import signal
import sys
import threading

import kinship
from kinship.blocking import Cluster, EventStream

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
WORDS = {
    "MemberJoined": "alive",
    "MemberRecovered": "alive",
    "MemberSuspect": "suspect",
    "MemberDead": "failed",
    "MemberLeft": "left",
}


def main(name: str, bind: str, key: str, seeds: list[str]) -> None:
    """Run the node until it is told to stop."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # before kinship starts its threads, which inherit it
    security = {"insecure_plaintext": True} if key == "plain" else {"keys": [bytes.fromhex(key)]}
    cluster = Cluster(kinship.Config.lan(name=name, bind=bind, seeds=seeds, **security)).start()
    events = cluster.events()
    for member in cluster.members():
        if member.name != name:
            _say("alive", member.name)  # it may have come before the events were asked for
    threading.Thread(target=_tell, args=(events,), daemon=True).start()
    signal.sigwait(STOP_SIGNALS)
    cluster.leave()
    cluster.close()


def _tell(events: EventStream) -> None:
    for event in events:
        word = WORDS.get(type(event).__name__)
        if word is not None:
            _say(word, event.member.name)


def _say(word: str, name: str) -> None:
    os.write(1, f"member {word} {name}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
