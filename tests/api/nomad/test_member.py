"""Members in Nomad's shape."""

from dataclasses import replace

import pytest

from api.nomad.member import OWN_TAGS, leader_address, local_answer, member_answer, members_answer
from protocol.status import Status
from tests.api.fake_view import FakeView, fake_id, fake_member

MEMBER_KEYS = {
    *("Name", "Addr", "Port", "Tags", "Status", "ProtocolMin", "ProtocolMax", "ProtocolCur"),
    *("DelegateMin", "DelegateMax", "DelegateCur"),
}


@pytest.mark.parametrize(
    ("status", "word"),
    [(Status.ALIVE, "alive"), (Status.SUSPECT, "alive"), (Status.FAILED, "failed"), (Status.LEFT, "left")],
)
def test_member_status_word(status: Status, word: str) -> None:
    """Suspicion is shown as alive, as Serf does."""
    assert member_answer(fake_member(2, status), is_leaving=False, is_oldest=False)["Status"] == word


def test_member_has_eleven_keys() -> None:
    """The keys are those of Nomad's page, with their types."""
    answer = member_answer(fake_member(2), is_leaving=False, is_oldest=False)
    assert set(answer) == MEMBER_KEYS
    assert answer["Name"] == "n2.global"
    assert (answer["Addr"], answer["Port"]) == ("127.0.0.1", 4648)
    assert all(isinstance(answer[key], int) for key in MEMBER_KEYS if key.startswith(("Protocol", "Delegate", "Port")))


def test_member_tags_are_joined() -> None:
    """The user's tags stand beside those Nomad's clients look for, all text."""
    tags = member_answer(fake_member(1), is_leaving=False, is_oldest=True)["Tags"]
    assert tags == {
        "role": "nomad",
        "rack": "r1",
        "build": "1.0.18",
        "shoal-version": "0.1.0-dev",
        "bootstrap": "1",
        "dc": "dc1",
        "id": fake_id(1),
        "mvn": "1",
        "port": "4647",
        "region": "global",
        "vsn": "1",
    }


@pytest.mark.parametrize("is_oldest", [False, True])
def test_member_tags_of_the_dialect_are_its_own(is_oldest: bool) -> None:
    """A user's tag of a name that Nomad's servers use displaces nothing, and stands for nothing they do not say."""
    plain = replace(fake_member(2), tags={"rack": "r2"})
    member = replace(plain, tags={"rack": "r2", **dict.fromkeys(OWN_TAGS, "forged")})
    assert member_answer(member, is_leaving=False, is_oldest=is_oldest) == member_answer(
        plain, is_leaving=False, is_oldest=is_oldest
    )
    assert member_answer(plain, is_leaving=False, is_oldest=True)["Tags"].keys() - {"rack"} <= OWN_TAGS


def test_member_leaving_is_own_state() -> None:
    """Between goodbye and exit the node shows itself as leaving, and nobody else so."""
    view = FakeView()
    view.is_leaving = True
    words = [member["Status"] for member in members_answer(view)["Members"]]
    assert words == ["leaving", "alive", "alive"]
    view.set_status(1, Status.LEFT)
    assert local_answer(view)["Status"] == "left"


def test_leader_is_smallest_alive_id() -> None:
    """The leader is the oldest member alive; with nobody alive there is none."""
    view = FakeView()
    assert leader_address(view) == "127.0.0.1:4647"
    view.set_status(1, Status.FAILED)
    view.set_status(2, Status.SUSPECT)
    assert leader_address(view) == "127.0.0.1:4648"
    view.set_status(2, Status.LEFT)
    view.set_status(3, Status.LEFT)
    assert leader_address(view) == ""
