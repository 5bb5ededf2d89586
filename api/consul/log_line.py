"""A record of the log as a line of a Consul's log: text for people, or one JSON object, both with its fields.

An event of the node, `member-join` and the like, is a record whose message is the event's name and whose attribute
`fields` holds what it is about. What is not printable is written as escapes, so that a record is one line.
"""

import json
import logging
from datetime import UTC, datetime
from math import isfinite
from types import MappingProxyType
from typing import Any, Final

from api.consul.wording import one_line
from protocol.escape import escape_json, quote

FIELDS: Final = "fields"
"""The attribute of a record that holds its event's fields, in order; the node's own log has the same."""
EVENT: Final = "event"
"""The field that repeats the message."""
TEXT_LENGTH_MAX: Final = 1_024
"""Of a message and of a field's value, before they are escaped: a line that is cut would be no JSON."""

LEVELS: Final = MappingProxyType(
    {
        logging.DEBUG: "debug",
        logging.INFO: "info",
        logging.WARNING: "warn",
        logging.ERROR: "error",
        logging.CRITICAL: "error",
    }
)

_MARK_WIDTH: Final = len("[ERROR] ")


class TextLine(logging.Formatter):
    """As `2026-12-01T02:38:15.059Z [INFO]  shoal.member: member-join: name=n2 address=192.0.2.7:7946`."""

    def format(self, record: logging.LogRecord) -> str:
        """Write time, level, logger and message, then each field as key=value."""
        mark = f"[{_level(record).upper()}] "
        line = f"{_time(record, 'milliseconds')} {mark:{_MARK_WIDTH}}{record.name}: {_text(record.getMessage())}"
        fields = "".join(f" {key}={quote(str(value)[:TEXT_LENGTH_MAX])}" for key, value in _fields(record).items())
        return f"{line}:{fields}" if fields else line


class JsonLine(logging.Formatter):
    """One object with @level, @message, @module and @timestamp, and each field under its own name."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the object; numbers and booleans stay what they are, all else is text."""
        entry = {
            "@level": _level(record),
            "@message": _value(record.getMessage()),
            "@module": record.name,
            "@timestamp": _time(record, "microseconds"),
        }
        entry.update({key: _value(value) for key, value in _fields(record).items() if key not in entry})
        return escape_json(json.dumps(entry, separators=(",", ":")))


def stream_record(level: int, message: str, **fields: Any) -> logging.LogRecord:
    """Return a record about the stream itself, for its reader alone."""
    record = logging.LogRecord("shoal.http", level, "", 0, message, None, None)
    setattr(record, FIELDS, fields)
    return record


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = {key: value for key, value in getattr(record, FIELDS, {}).items() if key != EVENT}
    if record.exc_info and record.exc_info[1] is not None:
        fields["error"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
    return fields


def _level(record: logging.LogRecord) -> str:
    return LEVELS.get(record.levelno, "info")


def _time(record: logging.LogRecord, precision: str) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _text(text: str) -> str:
    return one_line(text[:TEXT_LENGTH_MAX])


def _value(value: Any) -> Any:
    if value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    return str(value)[:TEXT_LENGTH_MAX].encode(errors="replace").decode()
