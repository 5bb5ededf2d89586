"""The flooder: nothing it says is false, but there is no end of it."""

from collections import deque
from collections.abc import Callable

from protocol.ulid import ULID_SIZE, MemberId
from protocol.wire.message import Claim, KeyringOffer, Message, Ping, PingReq
from protocol.wire.statement import TAG_VALUE_LENGTH_MAX
from simulations.attack.attacker import FOCUS, Attacker
from simulations.attack.voice import Voice
from simulations.world import EPOCH_MS, Node

CROWD_MAX = 12
"""Made-up members that are alive at once. None answers, and none is a relay: probes slow down to an eighth among
them, and four nodes that were left with 48 of them took over five minutes to clear them away."""
PINGS_EACH = 8
"""In one packet, of which an honest one has one."""
WORDS_EACH = 4
"""Revocations in one datagram."""
OFFER = KeyringOffer(bytes(200))
"""A keyring that does not parse."""


class Flooder(Attacker):
    """Pings, relays, ever new members, ever new records of itself, accusations and revocations, in turn."""

    kind = "flooder"

    def prepare(self) -> None:
        """Begin without a crowd, but with one made-up member that stays, and has ever new things to say."""
        self._serial = 0
        self._talker = self.make_up(0)
        self._crowd: deque[Voice] = deque()
        self._kinds: tuple[Callable[[Node], None], ...] = (
            self._ping,
            self._ask_to_relay,
            self._introduce,
            self._rename,
            self._accuse,
            self._offer,
            self._revoke,
        )

    def speak(self) -> None:
        """Send a datagram of the next kind."""
        target = self.next_target()
        if target is not None:
            self.rng.choice(self._kinds)(target)

    def _ping(self, target: Node) -> None:
        """Ask for many answers at once, in one's own name or another."""
        self.told["pings"] += PINGS_EACH
        pings: tuple[Message, ...] = tuple(Ping(self.rng.getrandbits(32)) for _ in range(PINGS_EACH))
        self.tell(target, [], pings, self.rng.choice(self._crowd) if self._crowd else None)

    def _ask_to_relay(self, target: Node) -> None:
        """Let many ping one victim."""
        for victim in self.victims(1):
            self.told["ping_reqs"] += 1
            self.tell(target, [], (PingReq(self.rng.getrandbits(32), victim.id, 60_000),))

    def _introduce(self, target: Node) -> None:
        """Let one more made-up member come, and the oldest of too many say goodbye."""
        self._serial += 1
        newcomer = self.make_up(self._serial)
        self.voices.append(newcomer)
        self._crowd.append(newcomer)
        claims = [Claim(newcomer.record(newcomer.incarnation))]
        if len(self._crowd) > CROWD_MAX:
            oldest = self._crowd.popleft()
            claims.append(Claim(oldest.record(oldest.incarnation + 1, goodbye=True)))
        self.tell(target, claims, voice=newcomer)

    def _rename(self, target: Node) -> None:
        """Say something new about one and the same member, as long as a record may be."""
        talker = self._talker
        talker.incarnation += 1
        tags = {"serial": f"{talker.incarnation:0>{TAG_VALUE_LENGTH_MAX}}"}
        self.tell(target, [Claim(talker.record(talker.incarnation, tags=tags))])

    def _accuse(self, target: Node) -> None:
        """Accuse as many as one datagram takes, in its own name or another."""
        voice = self.own if self.rng.random() < 0.5 else self.rng.choice(self.voices)
        victims = self.victims(FOCUS)
        claims = [Claim(voice.accuse(victim.id, self.held_incarnation(target, victim))) for victim in victims]
        self.tell(target, claims)

    def _offer(self, target: Node) -> None:
        """Offer a keyring that nobody can read, and an unasked answer beside it."""
        self.tell(target, [], (OFFER,))

    def _revoke(self, target: Node) -> None:
        """Say of ids that nobody has that they are out, or in again, as many as one datagram takes.

        Of those that somebody has it could say it as well: any member may, where no operator's key is set.
        """
        version = EPOCH_MS + int(self.world.now * 1000)
        words = [
            self.own.revoke(MemberId(self.rng.randbytes(ULID_SIZE)), version, revoked=self.rng.random() < 0.5)
            for _ in range(WORDS_EACH)
        ]
        self.tell(target, [Claim(word) for word in words])
