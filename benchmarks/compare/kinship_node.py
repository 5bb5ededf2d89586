"""One node of kinship as a program of its own: NAME HOST:PORT KEY|plain [SEED...], one line for each event.

On asyncio, kinship's own choice: an idle node is then woken by its protocol alone, while the blocking interface looks
for signals ten times a second, at half of its CPU. SIGINT and SIGTERM leave. It imports nothing of the project.
"""

import asyncio
import os
import signal
import sys

import kinship

WORDS = {
    "MemberJoined": "alive",
    "MemberRecovered": "alive",
    "MemberSuspect": "suspect",
    "MemberDead": "failed",
    "MemberLeft": "left",
}


async def main(name: str, bind: str, key: str, seeds: list[str]) -> None:
    """Run the node until it is told to stop."""
    told_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    security = {"insecure_plaintext": True} if key == "plain" else {"keys": [bytes.fromhex(key)]}
    cluster = kinship.Cluster(kinship.Config.lan(name=name, bind=bind, seeds=seeds, **security))
    await cluster.start()
    events = cluster.events()
    for member in cluster.members():
        if member.name != name:
            _say("alive", member.name)  # it may have come before the events were asked for
    telling = asyncio.create_task(_tell(events))
    await told_to_stop.wait()
    await cluster.leave()
    await cluster.close()
    await telling


async def _tell(events: kinship.EventStream) -> None:
    async for event in events:
        word = WORDS.get(type(event).__name__)
        if word is not None:
            _say(word, event.member.name)


def _say(word: str, name: str) -> None:
    os.write(1, f"member {word} {name}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]))
