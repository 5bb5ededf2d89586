"""Replacing the cluster key so that whoever is out stays out: it holds the old one, and makes new identities with it.

The order is what matters. First every live member has to know who is out, for none must give the new key to them;
then the new key is added, shown by all, put in use, and all others are retired.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import trio

from node.node import Node
from protocol.error import InvalidRequest
from protocol.status import Status
from protocol.ulid import MemberId

STEP_LONGEST_S = 15.0
"""For all to show that they follow, in each of two steps; an idle cluster does so within a second."""
ASK_PAUSE_S = 0.5
NAMED_MAX = 5


class RotationIncomplete(InvalidRequest):
    """Some member did not follow in time; the text says which, what was done, and what is left to do."""


@dataclass(frozen=True, slots=True)
class RotationDone:
    """The new key is in use, and no other is held."""

    key_id: bytes
    retired: tuple[bytes, ...]
    untold: tuple[MemberId, ...]
    """Failed members: they need the new key file to return."""


async def replace_cluster_key(node: Node) -> RotationDone:
    """Make a new cluster key, give it to all live members, use it, and retire all others.

    Raises:
        NotActive: this node has left; the others would never hear of the key.
        RotationIncomplete: as it says; the keys held are those of the steps that were done.
        InvalidRequest: eight keys are held.
        StoreError: the disk does not take it.

    One at a time: a second one waits for the first, and then replaces what that has put in use. Cancelled while it
    waits for the others, it leaves whole steps done.
    """
    async with node.peers.rotation_turn:
        return await _replace(node)


async def _replace(node: Node) -> RotationDone:
    node.peers.check_active()
    keeper = node.keyring
    began = node.driver.now
    missing = await _wait(node, lambda: node.engine.disagreeing_since(began))
    if missing:
        raise RotationIncomplete(
            f"{_names(node, missing)} did not show in {STEP_LONGEST_S:g} s that they know who is out: "
            "no key was changed; try again"
        )
    with trio.CancelScope(shield=True):
        key_id = await keeper.add()
    missing = await _wait(node, lambda: keeper.not_shown_by(key_id))
    if missing:
        raise RotationIncomplete(
            f"{_names(node, missing)} did not show the new key {key_id.hex()} in {STEP_LONGEST_S:g} s: when "
            f"`shoal keys list` shows it on all, run `shoal keys use {key_id.hex()}` and retire the others"
        )
    with trio.CancelScope(shield=True):
        await keeper.use(key_id, force=True)  # all have shown it; who came since was given it by whom it joined through
        retired = await _retire_others(node, key_id)
    held, in_use = keeper.keyring.key_ids, keeper.keyring.primary
    if held != (key_id,) or in_use != key_id:
        raise RotationIncomplete(
            f"the keys were changed elsewhere meanwhile: held are {', '.join(id.hex() for id in held)}, "
            f"in use is {in_use.hex()}, and the new one is {key_id.hex()}; try again"
        )
    untold = tuple(member.id for member in node.membership if member.status is Status.FAILED)
    return RotationDone(key_id, retired, untold)


async def _retire_others(node: Node, key_id: bytes) -> tuple[bytes, ...]:
    """Retire whatever is held by now beside a key, also what others added while this node waited."""
    others = tuple(id for id in node.keyring.keyring.key_ids if id != key_id)
    for other in others:
        with suppress(InvalidRequest):  # retired, or put in use, elsewhere: the caller looks at what is held in the end
            await node.keyring.retire(other)
    return others


async def _wait(node: Node, lacking: Callable[[], list[MemberId]]) -> list[MemberId]:
    """Ask members out of turn until none is lacking; those that still are when the time is up."""
    with trio.move_on_after(STEP_LONGEST_S):
        while missing := lacking():
            node.keyring.ask(missing)
            await trio.sleep(ASK_PAUSE_S)
    return lacking()


def _names(node: Node, ids: list[MemberId]) -> str:
    members = [node.membership.get(id) for id in ids[:NAMED_MAX]]
    names = ", ".join(node.membership.shown_name(member) for member in members if member is not None)
    return names if len(ids) <= NAMED_MAX else f"{names} and {len(ids) - NAMED_MAX} more"
