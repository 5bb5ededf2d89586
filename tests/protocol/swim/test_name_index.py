"""Names point at members; ids are what membership is keyed by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ME", ME),
        ("Me.eu", ME),
        ("ME.us", None),
        ("TWIN", OLDER),
        (SUFFIXED.upper(), YOUNGER),
        (SUFFIXED.upper() + ".us", YOUNGER),
        (format_ulid(YOUNGER.id), YOUNGER),
        ("NOBODY", None),
        ("", None),
    ],
)
def test_name_index_finds_in_any_case(text: str, expected: Author | None) -> None:
    """A name in other letters finds for those who look; those who change something must give its very name."""
    held = members()
    found = held.find_in_any_case(text)
    assert (found.id if found else None) == (expected.id if expected else None)
    if text.rpartition("~")[0] not in ("", "twin") or text in ("ME", "TWIN"):
        assert held.find(text) is None


def test_name_index_very_name_comes_first() -> None:
    """Two members whose names differ in case are found each by its own, while it has not left."""
    held = members()
    held.apply(0.0, Claim(OLDER.record(6, name="Me")))
    assert held.find_in_any_case("me") is get(held, ME)
    assert held.find_in_any_case("Me") is get(held, OLDER)
    assert held.find_in_any_case("mE") is min((get(held, ME), get(held, OLDER)), key=lambda member: member.id)
    held.apply(0.0, Claim(OLDER.record(7, name="Me", goodbye=True)))
    assert held.find_in_any_case("Me") is get(held, ME)


NAMES = ("a", "A", "ab", "aB", "AB")


@given(st.lists(st.tuples(st.sampled_from((OLDER, YOUNGER, author(4))), st.sampled_from(NAMES), st.booleans())))
def test_name_index_finds_in_any_case_whatever_came_before(acts: list[tuple[Author, str, bool]]) -> None:
    """Members that come, leave and take other names are found as if all names were gone through each time."""
    held = Membership(ME.id, Settings.lan())
    for incarnation, (who, name, goodbye) in enumerate(acts, 1):
        held.apply(0.0, Claim(who.record(incarnation, name=name, goodbye=goodbye)))
        for text in NAMES:
            alike = [one for one in held if one.record.name.lower() == text.lower()]
            exact = [one for one in alike if one.record.name == text and one.is_live]
            wanted = min(exact or alike, key=lambda one: (not one.is_live, one.id), default=None)
            found = held.find_in_any_case(text)
            if wanted is None or wanted.is_live:
                assert found is wanted
            else:
                assert found in alike
