"""Checkers of real agents: a story that keeps its promises gives nothing, each breach gives exactly its finding."""

from collections import Counter
from typing import Any

from simulations.processes.checker import (
    Finding,
    accusations_by,
    accused_others,
    binding_moved,
    bindings,
    dialects_differ,
    other_self,
    status_differs,
    tags_differ,
    views_differ,
    wrongly_failed,
)


def _row(name: str, **changes: Any) -> dict[str, Any]:
    row = {"name": name, "id": f"ID-{name}", "address": f"{name}:7946", "status": "alive", "incarnation": 5, "tags": {}}
    return row | changes


def _view(*rows: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in rows}


def _event(event: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"event": event, "name": name, **fields}


BOTH = _view(_row("n1"), _row("n2"))


def test_status_as_wanted_is_no_finding() -> None:
    """Only the agents and members that are named are looked at."""
    views = {"n1": _view(_row("n1"), _row("n2", status="failed")), "n2": {}}
    assert status_differs(views, {"n1": {"n2": "failed"}}) == []


def test_status_other_than_wanted_names_agent_member_and_both_statuses() -> None:
    """One that shows another, one that lists it not at all, and one that does not answer."""
    views = {"n1": BOTH, "n3": _view(_row("n3")), "n4": {}}
    wanted = {name: {"n2": "failed"} for name in views}
    assert status_differs(views, wanted) == [
        Finding("status", "n1", "n1 shows n2 alive, and not failed"),
        Finding("status", "n3", "n3 shows n2 not at all, and not failed"),
        Finding("status", "n4", "n4 does not answer by HTTP"),
    ]


def test_equal_views_are_one() -> None:
    """What each measures for itself, such as round trips, may differ."""
    assert views_differ({"n1": BOTH, "n2": _view(_row("n1", rtt_s=0.1), _row("n2", is_local=True))}) == []


def test_views_that_differ_in_one_fact_give_one_finding_for_each_member() -> None:
    """A higher incarnation of one, and a member that the other does not list."""
    other = _view(_row("n1"), _row("n2", incarnation=6), _row("n3"))
    (newer, unlisted) = views_differ({"n1": BOTH, "n2": other})
    assert (newer.checker, newer.node) == ("one_view", "n2")
    assert "alive 6" in newer.text
    assert "alive 5" in newer.text
    assert unlisted.text.endswith("and not listed at n1")


def test_nomads_route_shows_a_suspect_alive() -> None:
    """The two routes agree when they use their own words for the same."""
    nomad = {"Members": [{"Name": "n1.global", "Status": "alive"}, {"Name": "n.2.global", "Status": "left"}]}
    assert dialects_differ("n1", _view(_row("n1", status="suspect"), _row("n.2", status="left")), nomad) == []


def test_nomads_route_that_shows_another_status_is_found() -> None:
    """The finding names both."""
    nomad = {"Members": [{"Name": "n1.global", "Status": "alive"}, {"Name": "n2.global", "Status": "failed"}]}
    found = dialects_differ("n1", BOTH, nomad)
    assert found == [Finding("dialects", "n1", "n1 shows n2 alive by its own route and failed by Nomad's")]


def test_verdict_over_whom_nothing_justifies_is_found() -> None:
    """A verdict over the dead is right, one over a bystander is wrong; a suspicion is none."""
    logs = {"n1": [_event("member-failed", "n3"), _event("member-suspect", "n2"), _event("member-failed", "n2")]}
    found = wrongly_failed(logs, lambda _, subject: subject == "n3")
    assert found == [Finding("wrongly_failed", "n1", "n1 held n2 failed, which was up and reachable")]


def test_accusations_are_found_by_their_signer_and_by_its_own_verdicts() -> None:
    """In another's log by the id that signed, in its own by the verdict; what others signed is not its own."""
    logs = {
        "n1": [_event("member-suspect", "n3", by="ID-n2"), _event("member-suspect", "n2", by="ID-n1")],
        "n2": [_event("member-suspect", "n1", by="ID-n3"), _event("member-failed", "n3")],
    }
    assert accusations_by(logs, "n2", "ID-n2") == Counter({("member-suspect", "n3"): 1, ("member-failed", "n3"): 1})


def test_accusation_on_waking_is_found_and_an_older_one_is_not() -> None:
    """Only what was not known before the pause counts, however the logs interleave."""
    known = Counter({("member-suspect", "n3"): 1})
    assert accused_others(known, known, "n2") == []
    found = accused_others(known + Counter({("member-suspect", "n1"): 1}), known, "n2")
    assert found == [Finding("accuses_nobody", "n2", "n2 accused n1 on waking (member-suspect)")]


def test_member_that_returns_as_itself_is_no_finding() -> None:
    """The same id and a higher incarnation, on another address if it likes."""
    views = {"n1": _view(_row("n2", incarnation=6, address="n2:1"))}
    assert other_self(views, _row("n2")) == []


def test_member_that_returns_as_another_is_found_at_each_agent() -> None:
    """With another id, with no higher incarnation, or not at all."""
    views = {"n1": _view(_row("n2", id="NEW", incarnation=9)), "n3": BOTH, "n4": {}}
    found = other_self(views, _row("n2"))
    assert [finding.text for finding in found] == [
        "n2 has id NEW at n1; it was ID-n2",
        "n2 has incarnation 5 at n3, not above 5",
        "n4 does not list n2",
    ]
    assert {finding.checker for finding in found} == {"same_self"}


def test_name_that_moved_is_found() -> None:
    """Names stand for the ids and addresses they stood for: one moved, one is new."""
    views = {"n1": BOTH, "n2": _view(_row("n1"), _row("n2", address="x:1"), _row("n2~ABCD"))}
    assert binding_moved({"n1": BOTH}, bindings(BOTH)) == []
    found = binding_moved(views, bindings(BOTH))
    assert [finding.text for finding in found] == [
        "n2 is ID-n2 x:1 at n2; it was ID-n2 n2:7946",
        "n2~ABCD is ID-n2~ABCD n2~ABCD:7946 at n2; it was nobody",
    ]


def test_tags_other_than_those_answered_200_are_found() -> None:
    """A lost tag, and one that had been refused."""
    views = {"n1": _view(_row("n2", tags={"a": "1"})), "n3": _view(_row("n2", tags={"a": "1", "no": "2"})), "n4": BOTH}
    found = tags_differ(views, "n2", {"a": "1"})
    assert [(finding.checker, finding.node) for finding in found] == [("tags_kept", "n3"), ("tags_kept", "n4")]
