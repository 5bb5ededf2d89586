"""Evidence in words: what the engine noted about a member, as an operator reads it."""

from api.view import Evidence as EvidenceView
from api.view import EvidenceLog as EvidenceLogView
from node.node import Node
from protocol.swim.evidence import Evidence, PathKind, PathResult, PathTried
from protocol.swim.member import Member
from protocol.ulid import MemberId, format_ulid

_TEXTS = {
    "member-join": "joined, by its own signed record",
    "member-alive": "refuted the accusation with a higher incarnation",
    "member-restart": "restarted: a new start of the process, before anybody held it failed",
    "member-update": "changed its record",
    "member-suspect": "was accused of not answering",
    "member-failed": "did not refute in time: this node's own suspicion ran out",
    "member-leave": "left",
    "member-reap": "was taken off the list",
    "member-conflict": "bears a name that another live member has",
    "probe-failed": "did not answer a probe of this node's",
    "look-failed": "did not answer this node, which asked it on hearing the accusation",
    "confirmed": "was accused by another member independently",
    "evicted": "was evicted: once failed it counts as left",
    "superseded": "lost its name to a newcomer",
    "refuted": "refuted what was said of it",
}


def tell(node: Node, member: Member) -> EvidenceLogView:
    """Give a member's log, oldest first."""
    return EvidenceLogView(
        member_id=format_ulid(member.id),
        name=node.membership.shown_name(member),
        status=member.status,
        entries=tuple(_entry(node, member, evidence) for evidence in member.evidence),
        forgotten=member.evidence.dropped,
    )


def _entry(node: Node, member: Member, evidence: Evidence) -> EvidenceView:
    text = _TEXTS.get(evidence.event, evidence.event)
    if evidence.event == "member-leave":
        text = "said goodbye" if evidence.by == member.id else "failed, and was evicted: it counts as left"
    if evidence.event == "member-failed":
        text += f", after {evidence.confirmations} confirmation{'' if evidence.confirmations == 1 else 's'}"
    if evidence.note:
        text += f" ({evidence.note})"
    return EvidenceView(
        at=node.unix_time(evidence.at),
        change=evidence.event,
        status=evidence.status,
        incarnation=evidence.incarnation,
        by=(name_of(node, evidence.by),) if evidence.by is not None else (),
        paths=tuple(_path(node, path) for path in evidence.paths),
        rtt_s=evidence.rtt_s,
        awareness=evidence.awareness,
        stall_s=evidence.stall_s,
        text=text,
    )


def name_of(node: Node, id: MemberId) -> str:
    """Give a member's shown name, or its id where it is off the list."""
    member = node.membership.get(id)
    if member is not None:
        return node.membership.shown_name(member)
    contact = node.engine.core.book.get(id)
    return contact.name if contact else format_ulid(id)


def _path(node: Node, path: PathTried) -> str:
    match path.kind:
        case PathKind.DIRECT:
            way = "direct ping"
        case PathKind.STREAM:
            way = "stream"
        case PathKind.RELAY:
            way = f"through {name_of(node, path.relay)}" if path.relay is not None else "through a relay"
    result = {
        PathResult.ACK: "answered",
        PathResult.NACK: "the relay is well, but had no answer either",
        PathResult.SILENCE: "no answer",
        PathResult.REFUSED: "refused",
    }[path.result]
    if path.kind is PathKind.RELAY and path.result is PathResult.SILENCE:
        result = "the relay itself did not answer"
    return f"{way}: {path.detail or result}"
