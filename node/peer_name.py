"""What peers are called here: this node's own notes, before what each says of itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from node.driver import Driver
from node.state import State
from protocol.error import InvalidRequest, MalformedMessage
from protocol.status import Status
from protocol.swim.member import Member
from protocol.ulid import MemberId
from protocol.wire.statement import check_display_name

if TYPE_CHECKING:
    from node.node import Node


@dataclass(slots=True)
class _Note:
    id: MemberId
    name: str
    was_listed: bool
    is_void: bool = False
    """Whether its peer went off the list for good since it was asked for."""


class PeerNames:
    """The notes in memory and on disk. Made with its node."""

    def __init__(self, node: "Node", driver: Driver, state: State) -> None:
        self._node = node
        self._driver = driver
        self._state = state
        self._notes = state.store.load_display_names()
        self._turn = trio.Lock()
        self._under_way: list[_Note] = []
        self.version = 0
        """Grows with each change of a note."""

    def shown(self, member: Member) -> str:
        """Give this node's own note, else what the peer says of itself, else its member name."""
        note = self._notes.get(member.id) if member.id != self._node.local.id else None
        return note or member.record.display_name or member.record.name

    async def change(self, id: MemberId, name: str) -> bool:
        """Note how a peer is called, or set how this node itself is; an empty name takes it back.

        False, and nothing changed, where the peer went off the list meanwhile.

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
            return True
        note = _Note(id, name, self._is_listed(id))
        self._under_way.append(note)
        try:
            return await self._save(note)
        finally:
            self._under_way.remove(note)

    async def _change_own(self, name: str) -> None:
        engine = self._driver.engine
        async with self._node.record_turn:  # what was checked holds until it is done
            engine.local.check(engine.local.renamed(name))
            with trio.CancelScope(shield=True):  # else it would be on the disk, and not said
                await self._state.store.save_own_display_name(name)
            self._driver.perform(engine.set_display_name(self._driver.now, name))

    async def _save(self, note: _Note) -> bool:
        async with self._turn:
            if self._is_void(note):
                return False
            with trio.CancelScope(shield=True):
                await self._state.save_display_name(note.id, note.name)
            if self._is_void(note):
                with trio.CancelScope(shield=True):
                    await self._restore(note.id)
                return False
            if note.name:
                self._notes[note.id] = note.name
            else:
                self._notes.pop(note.id, None)
            self.version += 1
            return True

    async def _restore(self, id: MemberId) -> None:
        """Have on the disk what is in memory: the former note, or none."""
        if id in self._notes:
            await self._state.save_display_name(id, self._notes[id])
        else:
            self._state.put_nameless(id)

    def _is_void(self, note: _Note) -> bool:
        """Return whether the peer has gone since, though it may be back."""
        return note.is_void or (note.was_listed and not self._is_listed(note.id))

    def _is_listed(self, id: MemberId) -> bool:
        member = self._node.membership.get(id)
        return member is not None and member.status is not Status.LEFT

    def forget(self, id: MemberId) -> None:
        """Drop the note about a member that is off the list for good, and those that are being stored."""
        for note in self._under_way:
            note.is_void = note.is_void or note.id == id
        if self._notes.pop(id, None) is not None:
            self.version += 1
            self._state.put_nameless(id)
