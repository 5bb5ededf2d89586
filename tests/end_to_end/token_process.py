"""A program that makes and revokes tokens for ever, and says of each change before it begins and once it is done.

Run as `python -m tests.end_to_end.token_process DATA_DIR SEED`; it is to be killed. Lines of JSON:
`["make", name]`, then `["made", name, secret, id]`; `["revoke", id]`, then `["revoked", id]`.
"""

import json
import os
import sys
from pathlib import Path
from random import Random

import trio

from node import lifeline
from node.store import Store
from node.token_keeper import ADMIN_TOKEN_NAME, LastAdminToken, TokenKeeper, open_tokens

HELD_MAX = 12


def say(*words: str) -> None:
    """Print a line at once."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


async def change(keeper: TokenKeeper, rng: Random, number: int) -> None:
    """Make one token, or revoke one: every other time the admin token, where that is possible."""
    held = keeper.list()
    admin = [one for one in held if one.stored.name == ADMIN_TOKEN_NAME]
    if len(held) < 2 or (len(held) < HELD_MAX and rng.random() < 0.6):
        name = f"{os.getpid()}-{number}"
        say("make", name)
        secret, made = await keeper.create(name, [rng.choice(["admin", "node:read"])], None)
        say("made", name, secret, made.id)
        return
    chosen = rng.choice(admin if admin and rng.random() < 0.5 else held)
    say("revoke", chosen.id)
    try:
        await keeper.revoke(chosen.id)
    except LastAdminToken:
        say("kept", chosen.id)
    else:
        say("revoked", chosen.id)


async def main(data_dir: Path, seed: int) -> None:
    """Change tokens until killed."""
    rng = Random(seed)
    with Store.open(data_dir) as store:
        keeper = await open_tokens(data_dir, store, os.urandom)
        say("began")
        for number in range(1_000_000):
            await change(keeper, rng, number)


if __name__ == "__main__":
    lifeline.hold()
    trio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
