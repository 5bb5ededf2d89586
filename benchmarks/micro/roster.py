"""An engine with a list of any size, outside any process: nothing is sent and no time passes."""

from collections.abc import Sequence
from random import Random

from benchmarks.micro.material import NOW_MS, TAGS, Author
from protocol.swim.effect import Effect
from protocol.swim.engine import Engine
from protocol.swim.local import Profile
from protocol.swim.settings import Settings
from protocol.wire.message import Claim, Packet

CLAIMS_AT_ONCE = 500
SEED = 1


def make_engine(author: Author) -> Engine:
    """Start an engine for an author's identity, at time 0."""
    profile = Profile(
        id=author.id,
        public_key=author.identity.public_key,
        name=author.name,
        address=author.address,
        start=NOW_MS,
        version="0.1.0",
        tags=TAGS,
    )
    engine = Engine(profile, Settings.lan(), incarnation=NOW_MS, sign=author.signer.sign, rng=Random(SEED))
    engine.start(0.0)
    return engine


def tell(engine: Engine, sender: Author, claims: Sequence[Claim]) -> list[Effect]:
    """Let an engine hear claims at time 0."""
    effects: list[Effect] = []
    for begin in range(0, len(claims), CLAIMS_AT_ONCE):
        effects += engine.handle_packet(0.0, sender.id, Packet((), tuple(claims[begin : begin + CLAIMS_AT_ONCE])))
    return effects
