"""The mask an attacker wears: an engine that hears everything, and says only what its attacker lets it say."""

from typing import Protocol

from protocol.error import MalformedMessage
from protocol.purpose import Purpose
from protocol.refusal import Refusal
from protocol.swim.effect import Effect
from protocol.swim.engine import Engine
from protocol.ulid import MemberId
from protocol.wire.message import Packet, StreamMessage


class Mouth(Protocol):
    """Decides what becomes of what an attacker's engine hears and wants to say."""

    def hear(self, now: float, sender: MemberId, packet: Packet) -> tuple[Packet, list[Effect]]:
        """Give what the engine is to hear of a packet, and answers to the rest."""

    def hear_on_stream(self, message: StreamMessage) -> StreamMessage:
        """Give what the engine is to hear of a stream's message."""

    def bend(self, effects: list[Effect]) -> list[Effect]:
        """Give what is said instead."""

    def owns(self, stream: int) -> bool:
        """Tell whether the attacker opened this stream behind its engine's back."""

    def take_opened(self, stream: int) -> None:
        """Take note that hands are shaken on a stream of its own."""

    def take_heard(self, stream: int, message: StreamMessage) -> None:
        """Take a message that came on a stream of its own."""

    def take_closed(self, stream: int) -> None:
        """Take note that a stream of its own ended."""


class Mask(Engine):
    """Shares all parts with the honest engine behind it; its inputs are the production code's."""

    def __init__(self, honest: Engine, mouth: Mouth) -> None:
        """Take an engine over as it is; it goes on, honest again, when it is put back in its place."""
        vars(self).update(vars(honest))
        self._mouth = mouth

    def handle_packet(self, now: float, sender: MemberId, packet: Packet) -> list[Effect]:
        """Hear a packet, or part of it."""
        heard, answers = self._mouth.hear(now, sender, packet)
        return [*answers, *self._mouth.bend(super().handle_packet(now, sender, heard))]

    def handle_timer(self, now: float) -> list[Effect]:
        """Serve timers, and say something else."""
        return self._mouth.bend(super().handle_timer(now))

    def handle_stream_opened(
        self, now: float, stream: int, peer: MemberId, purpose: Purpose | None = None
    ) -> list[Effect]:
        """Leave the attacker's own streams to it."""
        if self._mouth.owns(stream):
            self._mouth.take_opened(stream)
            return []
        return self._mouth.bend(super().handle_stream_opened(now, stream, peer, purpose))

    def handle_stream_message(self, now: float, stream: int, message: StreamMessage) -> list[Effect]:
        """Leave the attacker's own streams to it; what is out of turn because of a lie is nothing to it."""
        if self._mouth.owns(stream):
            self._mouth.take_heard(stream, message)
            return []
        try:
            return self._mouth.bend(super().handle_stream_message(now, stream, self._mouth.hear_on_stream(message)))
        except MalformedMessage:
            return []

    def handle_stream_closed(
        self,
        now: float,
        stream: int,
        refusal: Refusal | None = None,
        reason: str = "",
        *,
        own_echo: bool = False,
    ) -> list[Effect]:
        """Leave the attacker's own streams to it."""
        if self._mouth.owns(stream):
            self._mouth.take_closed(stream)
            return []
        return self._mouth.bend(super().handle_stream_closed(now, stream, refusal, reason, own_echo=own_echo))

    def handle_port_refused(self, now: float, stream: int, reason: str) -> list[Effect]:
        """Leave the attacker's own streams to it."""
        if self._mouth.owns(stream):
            self._mouth.take_closed(stream)
            return []
        return self._mouth.bend(super().handle_port_refused(now, stream, reason))
