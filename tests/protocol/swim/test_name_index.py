"""Names point at members; ids are what membership is keyed by."""

import pytest

from protocol.swim.member import Member
from protocol.swim.membership import Membership
from protocol.swim.settings import Settings
from protocol.ulid import format_ulid
from protocol.wire.message import Claim
from tests.protocol.wire.sample import Author, author

ME, OLDER, YOUNGER = author(1), author(2), author(3)


def members() -> Membership:
    """Give a list with two members of the name `twin`."""
    held = Membership(ME.id, Settings.lan())
    for record in (
        ME.record(5, name="me", tags={"region": "eu"}),
        YOUNGER.record(5, name="twin", tags={"region": "us"}),
        OLDER.record(5, name="twin", tags={"region": "eu"}),
    ):
        held.apply(0.0, Claim(record))
    return held


def get(held: Membership, who: Author) -> Member:
    """Find somebody who is there."""
    member = held.get(who.id)
    assert member is not None
    return member


SUFFIXED = f"twin~{format_ulid(YOUNGER.id)[-4:]}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("me", ME),
        ("me.eu", ME),
        ("me.us", None),
        ("twin", OLDER),
        ("twin.eu", OLDER),
        (SUFFIXED, YOUNGER),
        (SUFFIXED.lower(), YOUNGER),
        (SUFFIXED + ".us", YOUNGER),
        (format_ulid(YOUNGER.id), YOUNGER),
        (format_ulid(YOUNGER.id).lower(), YOUNGER),
        ("nobody", None),
        ("", None),
        ("~", None),
        (".", None),
        ("twin~ZZZZ", None),
        ("é" * 26, None),
    ],
)
def test_name_index_finds(text: str, expected: Author | None) -> None:
    """By name, name.region, name~last4 and id."""
    found = members().find(text)
    assert (found.id if found else None) == (expected.id if expected else None)


def test_name_index_shows_the_older_as_it_is() -> None:
    """The other with the last four letters of its id."""
    held = members()
    assert held.shown_name(get(held, OLDER)) == "twin"
    assert held.shown_name(get(held, YOUNGER)) == SUFFIXED


def test_name_index_live_member_keeps_the_name_of_one_that_left() -> None:
    """Whatever their ages."""
    held = members()
    held.apply(0.0, Claim(OLDER.record(6, name="twin", goodbye=True)))
    assert held.shown_name(get(held, YOUNGER)) == "twin"
    assert held.find("twin") is get(held, YOUNGER)
    assert held.name_holder("twin") is get(held, YOUNGER)


def test_name_index_follows_a_member_that_takes_another_name() -> None:
    """The old one is free."""
    held = members()
    held.apply(0.0, Claim(OLDER.record(6, name="single")))
    assert held.shown_name(get(held, YOUNGER)) == "twin"
    assert held.find("single") is get(held, OLDER)


def test_name_index_forgets() -> None:
    """A member that was taken off the list bears no name."""
    held = members()
    held.apply(0.0, Claim(ME.accuse(OLDER.id, 5)))
    member = get(held, OLDER)
    held.mark_failed(0.0, member)
    held.forget(member, 0.0)
    assert held.find("twin") is get(held, YOUNGER)
    assert held.shown_name(get(held, YOUNGER)) == "twin"
