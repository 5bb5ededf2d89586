"""Facts to test with, signed by the authors of sample.py."""

from hypothesis import strategies as st

from protocol.wire.fact import FACT_KEY_SIZE_MAX, FACT_VERSION_MAX, HORIZON_KEY, Fact, encode_fact
from protocol.wire.statement import decode_statement
from tests.protocol.wire.sample import Author, authors


def sign_fact(who: Author, key: bytes, version: int, value: bytes = b"", *, salt: bytes = b"") -> Fact:
    """Sign a fact; without a value a tombstone. Another salt makes another signature of the same words."""
    body = encode_fact(who.id, key, version, value)
    fact = decode_statement(who.sign(body, salt) + body)
    assert isinstance(fact, Fact)
    return fact


def sign_horizon(who: Author, version: int) -> Fact:
    """Sign a horizon: what is at or below its version is gone."""
    return sign_fact(who, HORIZON_KEY, version)


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    """Draw any fact, tombstone or horizon."""
    key = draw(st.binary(max_size=FACT_KEY_SIZE_MAX))
    value = draw(st.binary(max_size=3_000)) if key != HORIZON_KEY else b""
    return sign_fact(draw(authors), key, draw(st.integers(0, FACT_VERSION_MAX)), value)
