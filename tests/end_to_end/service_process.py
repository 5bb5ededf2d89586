"""A program that registers and deregisters services and checks for ever, and says what it does before and after.

Run as `python -m tests.end_to_end.service_process DATA_DIR SEED`; it is to be killed. Lines of JSON: `["begin", id]`,
then `["stands", id, version]` or `["gone", id]`: id is a service's, and version its port; or it is `m:` and a service's
id, for its maintenance. A service of an odd version has a check, one of an even version has none.
"""

import json
import sys
from pathlib import Path
from random import Random

import trio

from node import lifeline
from node.check.definition import CheckDefinition
from node.config import Config
from node.service_keeper import ServiceKeeper
from node.service_restore import open_services
from node.store import Store
from protocol.catalog.service import Service

SERVICES = 6


def say(*words: object) -> None:
    """Print a line at once."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


async def change(keeper: ServiceKeeper, rng: Random, version: int) -> None:
    """Register, deregister, or put into maintenance one service."""
    id = f"s{rng.randrange(SERVICES)}"
    held, kind = id in keeper.services(), rng.random()
    if held and kind < 0.2:
        say("begin", id)
        await keeper.deregister_service(id)
        say("gone", id)
    elif held and kind < 0.4:
        say("begin", f"m:{id}")
        enabled = f"_service_maintenance:{id}" not in keeper.checks()
        await keeper.set_maintenance(id, enabled=enabled, reason="r")
        say(*(("stands", f"m:{id}", 0) if enabled else ("gone", f"m:{id}")))
    else:
        checks = [CheckDefinition(name="c", ttl_s=60.0)] if version % 2 else []
        say("begin", id)
        await keeper.register_service(Service(id, "name", port=version), checks, replace_checks=True)
        say("stands", id, version)


async def main(data_dir: Path, seed: int) -> None:
    """Change services until killed."""
    rng = Random(seed)
    with Store.open(data_dir) as store:
        keeper = await open_services(Config(data_dir=data_dir), store)
        say("began")
        for number in range(60_000):
            await change(keeper, rng, (seed * 1_000 + number) % 60_000 + 1)


if __name__ == "__main__":
    lifeline.hold()
    trio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
