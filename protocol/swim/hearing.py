"""What a datagram's messages bring about, once its claims are merged."""

from typing import assert_never

from protocol.status import Status
from protocol.swim.core import Core
from protocol.swim.effect import KeyringReceived
from protocol.swim.look import Looker
from protocol.swim.ping import Pinger
from protocol.swim.probe import Prober
from protocol.swim.race import SeatRace
from protocol.swim.reception import Reception
from protocol.swim.stream import Streams
from protocol.ulid import MemberId
from protocol.wire.message import Ack, Claim, Forgotten, KeyringOffer, Message, Nack, NoSeat, Ping, PingReq


class Hearing:
    """Gives each message to the part it is for, and answers pings."""

    def __init__(
        self,
        core: Core,
        prober: Prober,
        looker: Looker,
        pinger: Pinger,
        streams: Streams,
        reception: Reception,
        race: SeatRace,
    ) -> None:
        self._core = core
        self._prober = prober
        self._looker = looker
        self._pinger = pinger
        self._streams = streams
        self._reception = reception
        self._race = race

    def take(self, now: float, sender: MemberId, message: Message) -> None:
        """Handle one message of an authenticated sender."""
        match message:
            case Ping():
                self._answer_ping(now, sender, message)
            case Ack():
                if self._was_awaited(now, sender, message.number):
                    self._streams.consider_hash(now, sender, message.view_hash)
            case PingReq():
                self._pinger.relay(now, sender, message)
            case Nack():
                self._prober.handle_nack(sender, message.number)
                self._looker.handle_nack(sender, message.number)
            case Forgotten():
                self._reception.take_forgotten(now, message.subject, message.incarnation, 0)
            case KeyringOffer():
                self._core.emit(KeyringReceived(sender, message.blob))
            case NoSeat():
                self._race.meet(now, message.winner)
            case _:
                assert_never(message)

    def _was_awaited(self, now: float, sender: MemberId, number: int) -> bool:
        return (
            self._prober.handle_ack(now, sender, number)
            or self._pinger.handle_ack(now, sender, number)
            or self._looker.handle_ack(sender, number)
        )

    def _answer_ping(self, now: float, sender: MemberId, ping: Ping) -> None:
        """Say that we are here, and what the sender has to refute or to give up."""
        core = self._core
        ack = Ack(ping.number, core.membership.hash.root)
        member = core.membership.get(sender)
        if member is None and (forgotten := core.membership.forgotten(sender)) is not None:
            core.send(now, sender, (ack, Forgotten(sender, forgotten[0])), self._reception.take_answers())
            return
        claims = self._reception.take_answers()
        if member is not None and member.status is not Status.ALIVE:
            if member.record.goodbye:
                claims.append(Claim(member.record, member.age_s(now)))
            elif core.settings.buddy or member.status is not Status.SUSPECT:
                claims += core.charges(now, sender)
                core.send(now, sender, (ack, Forgotten(sender, member.record.incarnation)), claims)
                return
        told, winners = self._race.words_for(now, sender)
        core.send(now, sender, (ack, *told), claims + winners)
        self._prober.begin_early(now)
