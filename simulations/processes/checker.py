"""What must hold of real agents: each checker looks at what was fetched, and gives one finding per breach.

They are pure: views and logs come in as they were read, so that a test can tell them any story.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]
"""One member as /v1/cluster/members gives it."""
View = Mapping[str, Row]
"""One agent's members by name; empty while it does not answer."""
Views = Mapping[str, View]
"""By the agent that was asked."""
Statuses = Mapping[str, str]
Entry = Mapping[str, Any]
"""One line of a JSON log."""
Logs = Mapping[str, Iterable[Entry]]
"""By the agent that wrote it."""

ACCUSING_EVENTS = ("member-suspect", "member-failed")
DIALECT_WORD = {"suspect": "alive"}
"""Nomad's dialect shows a suspect as alive; the other words are the same."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that was not kept, as one checker sees it."""

    checker: str
    node: str
    """Where it was seen."""
    text: str


def status_differs(views: Views, wanted: Mapping[str, Statuses]) -> list[Finding]:
    """Find agents that show a member in another status than wanted of them."""
    found = []
    for node, statuses in wanted.items():
        view = views.get(node, {})
        if not view:
            found.append(Finding("status", node, f"{node} does not answer by HTTP"))
            continue
        for name, status in statuses.items():
            shown = view[name]["status"] if name in view else "not at all"
            if shown != status:
                found.append(Finding("status", node, f"{node} shows {name} {shown}, and not {status}"))
    return found


def views_differ(views: Views) -> list[Finding]:
    """Find agents whose list is not the first one's: the same ids, addresses, statuses, incarnations and tags."""
    (first, reference), *others = ((node, _facts(view)) for node, view in views.items())
    found = []
    for node, facts in others:
        for name in sorted(reference.keys() | facts.keys()):
            if reference.get(name) != facts.get(name):
                here, there = _shown(facts.get(name)), _shown(reference.get(name))
                found.append(Finding("one_view", node, f"{name} is {here} at {node}, and {there} at {first}"))
    return found


def _facts(view: View) -> dict[str, tuple[Any, ...]]:
    keys = ("id", "address", "status", "incarnation", "tags")
    return {name: tuple(row.get(key) for key in keys) for name, row in view.items()}


def _shown(facts: tuple[Any, ...] | None) -> str:
    return "not listed" if facts is None else " ".join(map(str, facts))


def dialects_differ(node: str, view: View, nomad: Mapping[str, Any]) -> list[Finding]:
    """Find members that Nomad's route shows otherwise than the native one."""
    native = {name: DIALECT_WORD.get(row["status"], row["status"]) for name, row in view.items()}
    other = {row["Name"].rpartition(".")[0]: row["Status"] for row in nomad["Members"]}
    return [
        Finding(
            "dialects",
            node,
            f"{node} shows {name} {native.get(name, 'not at all')} by its own route and "
            f"{other.get(name, 'not at all')} by Nomad's",
        )
        for name in sorted(native.keys() | other.keys())
        if native.get(name) != other.get(name)
    ]


def wrongly_failed(logs: Logs, may_fail: Callable[[str, str], bool]) -> list[Finding]:
    """Find verdicts in the logs that nothing justified; `may_fail` takes the observer's name and the subject's."""
    return [
        Finding("wrongly_failed", node, f"{node} held {entry['name']} failed, which was up and reachable")
        for node, entries in logs.items()
        for entry in entries
        if entry.get("event") == "member-failed" and not may_fail(node, entry["name"])
    ]


def accusations_by(logs: Logs, accuser: str, accuser_id: str) -> Counter[tuple[str, str]]:
    """Count by (event, subject) what one member has accused others of: by every log, and its own verdicts."""
    return Counter(
        (entry["event"], entry["name"])
        for node, entries in logs.items()
        for entry in entries
        if entry.get("event") in ACCUSING_EVENTS
        and (entry.get("by") == accuser_id or (node == accuser and entry["event"] == "member-failed"))
    )


def accused_others(now: Counter[tuple[str, str]], known: Counter[tuple[str, str]], accuser: str) -> list[Finding]:
    """Find whom one member has accused beyond what was `known` of it before."""
    return [
        Finding("accuses_nobody", accuser, f"{accuser} accused {subject} on waking ({event})")
        for event, subject in sorted(now - known)
    ]


def other_self(views: Views, before: Row) -> list[Finding]:
    """Find agents at which a member did not return as itself: the same id, and a higher incarnation."""
    name = before["name"]
    found = []
    for node, view in views.items():
        row = view.get(name)
        if row is None:
            found.append(Finding("same_self", node, f"{node} does not list {name}"))
        elif row["id"] != before["id"]:
            found.append(Finding("same_self", node, f"{name} has id {row['id']} at {node}; it was {before['id']}"))
        elif row["incarnation"] <= before["incarnation"]:
            text = f"{name} has incarnation {row['incarnation']} at {node}, not above {before['incarnation']}"
            found.append(Finding("same_self", node, text))
    return found


def bindings(view: View) -> dict[str, tuple[str, str]]:
    """Give the id and address that each name stands for."""
    return {name: (row["id"], row["address"]) for name, row in view.items()}


def binding_moved(views: Views, before: Mapping[str, tuple[str, str]]) -> list[Finding]:
    """Find names that stand for another id or address than before, or are gone, or new."""
    found = []
    for node, view in views.items():
        now = bindings(view)
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name):
                was, is_ = " ".join(before.get(name, ("nobody",))), " ".join(now.get(name, ("nobody",)))
                found.append(Finding("binding", node, f"{name} is {is_} at {node}; it was {was}"))
    return found


def tags_differ(views: Views, name: str, wanted: Mapping[str, str]) -> list[Finding]:
    """Find agents that show other tags of a member than those that were answered 200."""
    return [
        Finding(
            "tags_kept", node, f"{node} shows {name} with tags {_tags(view, name)}; answered 200 was {dict(wanted)}"
        )
        for node, view in views.items()
        if _tags(view, name) != wanted
    ]


def _tags(view: View, name: str) -> dict[str, str]:
    return dict(view[name]["tags"]) if name in view else {}
