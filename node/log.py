"""What the agent logs: one line per event, for people or (--log-json) one JSON object."""

import json
import logging
import sys
from datetime import UTC, datetime

from protocol.escape import escape, escape_json, quote
from protocol.swim.effect import Change, ChangeKind
from protocol.ulid import format_ulid
from protocol.wire.statement import Revocation

FIELDS = "fields"
"""The attribute of a log record that holds its event's fields, in order."""

TRACE_MARGIN = "  | "
"""Before each line of a traceback: an error's own text may have lines that look like records."""

_LEVELS = {
    ChangeKind.SUSPECT: logging.WARNING,
    ChangeKind.FAILED: logging.WARNING,
    ChangeKind.CONFLICT: logging.WARNING,
}
_member_log = logging.getLogger("shoal.member")


def configure(level: str, *, as_json: bool) -> None:
    """Send all of `shoal.*` to standard error, or as JSON lines to standard output."""
    handler = logging.StreamHandler(sys.stdout if as_json else sys.stderr)
    handler.setFormatter(_JsonFormatter() if as_json else _TextFormatter())
    logger = logging.getLogger("shoal")
    logger.handlers[:] = [handler]
    logger.propagate = False
    set_level(level)


def set_level(level: str) -> None:
    """Change what is logged from now on."""
    logging.getLogger("shoal").setLevel(level.upper())


def log_event(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """Log something that has a name and fields, for programs to match on."""
    if logger.isEnabledFor(level):
        logger.log(level, "%s", event, extra={FIELDS: {"event": event, **fields}})


def log_change(change: Change) -> None:
    """Log a change of the member list."""
    fields: dict[str, object] = {
        "name": change.name,
        "id": format_ulid(change.id),
        "address": str(change.address),
        "incarnation": change.incarnation,
    }
    evidence = change.evidence
    if evidence is not None and evidence.by is not None and evidence.by != change.id:
        fields["by"] = format_ulid(evidence.by)
    if evidence is not None and evidence.note:
        fields["note"] = evidence.note
    log_event(_member_log, _LEVELS.get(change.kind, logging.INFO), change.kind.value, **fields)


def log_revocation(revocation: Revocation) -> None:
    """Log that an id was put out of the cluster, or taken in again."""
    log_event(
        _member_log,
        logging.WARNING,
        "peer-revoked" if revocation.revoked else "peer-reinstated",
        id=format_ulid(revocation.subject),
        by=format_ulid(revocation.issuer),
        version=revocation.version,
    )


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _TextFormatter(logging.Formatter):
    """One line of printable letters, whatever a record holds; a traceback follows, each of its lines behind a bar."""

    def format(self, record: logging.LogRecord) -> str:
        """Compose time, level, event or message, and fields as key=value."""
        fields: dict[str, object] = getattr(record, FIELDS, {})
        text = f"{_time(record)} {record.levelname:7} {escape(record.getMessage())}"
        for key, value in fields.items():
            if key != "event":
                text += f" {key}={quote(str(value))}"
        if record.exc_info:
            trace = self.formatException(record.exc_info).split("\n")
            text += "".join(f"\n{TRACE_MARGIN}{escape(line)}" for line in trace)
        return text


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Compose one object: time, level, then the event's fields or a message."""
        entry: dict[str, object] = {"time": _time(record), "level": record.levelname.lower()}
        fields: dict[str, object] = getattr(record, FIELDS, {})
        entry |= fields or {"logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return escape_json(json.dumps(entry, ensure_ascii=False))
