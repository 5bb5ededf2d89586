"""What a local cluster thinks of itself: every node is asked by HTTP for its list, at once and briefly."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from node.http_client import Client, ClientError
from node.member_row import MEMBERS_PATH, MemberRow, read_members
from node.up_child import Child

ASK_TIMEOUT_S = 1.0
"""A node that was stopped does not answer; the others are shown no later than this."""
ASKED_AT_ONCE_MAX = 8
"""More threads would only wait for each other on the few cores of one machine."""
STATUS_ORDER = ("alive", "suspect", "failed", "left")


@dataclass(frozen=True, slots=True)
class Look:
    """One node's answer; `members` is empty if it gave none."""

    members: tuple[MemberRow, ...] = ()
    awareness: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    id: str
    gossip: str
    http: str
    process: str
    """The process id, or how the process ended."""
    seen: str
    """How the nodes that answer see it: "alive 5/5", or "alive 3, suspect 1 of 4"."""
    awareness: str
    answers: bool
    """Whether it gave its own list."""
    is_well: bool
    """Whether it answers and all nodes see it alive."""


class Watch:
    """Ask the nodes again and again; remembers who they are, for when they no longer answer."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children
        self._ids: dict[str, str] = {}
        self._pool = ThreadPoolExecutor(ASKED_AT_ONCE_MAX, thread_name_prefix="watch")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def rows(self) -> list[Row]:
        """Ask every node once, and give the nodes' lines, then those of members that others have started."""
        looks = list(self._pool.map(_look, self._children))
        for child, look in zip(self._children, looks, strict=True):
            for member in look.members:
                if member.is_local:
                    self._ids[child.name] = member.id
        answering = [look for look in looks if look.members]
        rows = [self._row(child, look, answering) for child, look in zip(self._children, looks, strict=True)]
        return rows + self._strangers(answering)

    def _row(self, child: Child, look: Look, answering: Sequence[Look]) -> Row:
        member_id = self._ids.get(child.name, "")
        seen, is_well = summarize(member_id, answering)
        ended = child.end_words()
        by_hand = f"{child.pid_by_hand()} (by hand)".lstrip() if look.members else ended
        process = by_hand if ended else str(child.pid)
        return Row(
            name=child.name,
            id=member_id,
            gossip=child.gossip,
            http=child.http,
            process=process,
            seen=seen,
            awareness="-" if look.awareness is None else str(look.awareness),
            answers=bool(look.members),
            is_well=is_well and bool(look.members),
        )

    def _strangers(self, answering: Sequence[Look]) -> list[Row]:
        known = set(self._ids.values())
        found = {member.id: member for look in answering for member in look.members if member.id not in known}
        rows = []
        for member_id, member in sorted(found.items()):
            seen, is_well = summarize(member_id, answering)
            rows.append(
                Row(member.name, member_id, member.address, "-", "not ours", seen, "-", answers=False, is_well=is_well)
            )
        return rows


def summarize(member_id: str, answering: Sequence[Look]) -> tuple[str, bool]:
    """Count the statuses that the answering nodes hold of a member; tell too whether all hold it alive."""
    counts = Counter(member.status for look in answering for member in look.members if member.id == member_id)
    total = len(answering)
    if not counts:
        return ("unknown to all" if total else "nobody answers"), False
    if len(counts) == 1 and counts.total() == total:
        status = next(iter(counts))
        return f"{status} {total}/{total}", status == "alive"
    words = [f"{status} {counts[status]}" for status in STATUS_ORDER if counts[status]]
    return f"{', '.join(words)} of {total}", False


def _look(child: Child) -> Look:
    if not child.http:
        return Look()
    try:
        answer: Any = Client(child.http, timeout_s=ASK_TIMEOUT_S).get(MEMBERS_PATH)
        members = tuple(row for _, row in read_members(answer))
    except ClientError:
        return Look()
    awareness = answer.get("awareness") if isinstance(answer, dict) else None
    return Look(members, awareness if isinstance(awareness, int) else None)
