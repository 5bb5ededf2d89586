"""What peers are called here: this node's own notes, before what each says of itself."""

from typing import TYPE_CHECKING

import trio

from node.driver import Driver
from node.state import State
from protocol.error import InvalidRequest, MalformedMessage
from protocol.swim.member import Member
from protocol.ulid import MemberId
from protocol.wire.statement import check_display_name

if TYPE_CHECKING:
    from node.node import Node


class PeerNames:
    """The notes in memory and on disk. Made with its node."""

    def __init__(self, node: "Node", driver: Driver, state: State) -> None:
        self._node = node
        self._driver = driver
        self._state = state
        self._notes = state.store.load_display_names()
        self._turn = trio.Lock()
        self.version = 0
        """Grows with each change of a note."""

    def shown(self, member: Member) -> str:
        """Give this node's own note, else what the peer says of itself, else its member name."""
        note = self._notes.get(member.id) if member.id != self._node.local.id else None
        return note or member.record.display_name or member.record.name

    async def change(self, id: MemberId, name: str) -> None:
        """Note how a peer is called, or say how this node itself is; an empty name takes it back.

        Raises:
            InvalidRequest: over 128 characters or 256 bytes, control characters, or too large for the record.
            StoreError: the disk does not take it; nothing changed.
        """
        try:
            check_display_name(name)
        except MalformedMessage as wrong:
            raise InvalidRequest(str(wrong)) from None
        if id == self._node.local.id:
            await self._change_own(name)
        else:
            await self._note(id, name)

    async def _change_own(self, name: str) -> None:
        engine = self._driver.engine
        async with self._node.record_turn:  # what was checked holds until it is done
            engine.local.check(engine.local.renamed(name))
            with trio.CancelScope(shield=True):  # else it would be on the disk, and not said
                await self._state.store.save_own_display_name(name)
            self._driver.perform(engine.set_display_name(self._driver.now, name))

    async def _note(self, id: MemberId, name: str) -> None:
        async with self._turn:
            with trio.CancelScope(shield=True):
                await self._state.save_display_name(id, name)
            if name:
                self._notes[id] = name
            else:
                self._notes.pop(id, None)
            self.version += 1

    def forget(self, id: MemberId) -> None:
        """Drop the note about a member that is off the list for good."""
        if self._notes.pop(id, None) is not None:
            self.version += 1
            self._state.put_nameless(id)
