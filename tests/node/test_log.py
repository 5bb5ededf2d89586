"""The log: one line per event, for people as text and for programs as JSON."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import log
from protocol.address import Address
from protocol.status import Status
from protocol.swim.effect import Change, ChangeKind
from protocol.swim.evidence import Evidence
from protocol.ulid import MemberId

SUBJECT = MemberId(bytes(16))
ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from('a \\\n\x1b\x9b\u2028\u202e\ud800"=')
)
ACCUSER = MemberId(bytes(15) + b"\x01")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Give the logger back its handlers, its level and its parents."""
    logger = logging.getLogger("shoal")
    before = (logger.handlers[:], logger.level, logger.propagate)
    yield
    logger.handlers[:], logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


def _change(kind: ChangeKind, by: MemberId | None = None, note: str = "") -> Change:
    evidence = Evidence(1.0, kind.value, 7, Status.FAILED, by=by, note=note)
    return Change(kind, SUBJECT, "n3", Address("10.0.0.3", 7946), 7, Status.FAILED, 1.0, evidence)


def test_change_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """time, level, then event before name, id, address, incarnation; who caused it where it was another."""
    log.configure("info", as_json=True)
    log.log_change(_change(ChangeKind.FAILED, by=ACCUSER, note="its name was taken"))
    (line,) = capsys.readouterr().out.splitlines()
    entry = json.loads(line)
    assert list(entry) == ["time", "level", "event", "name", "id", "address", "incarnation", "by", "note"]
    assert entry["time"].endswith("Z")
    del entry["time"]
    assert entry == {
        "level": "warning",
        "event": "member-failed",
        "name": "n3",
        "id": "0" * 26,
        "address": "10.0.0.3:7946",
        "incarnation": 7,
        "by": "0" * 25 + "1",
        "note": "its name was taken",
    }


def test_subject_itself_is_not_named_as_the_cause(capsys: pytest.CaptureFixture[str]) -> None:
    """A goodbye is the subject's own: no `by`."""
    log.configure("info", as_json=True)
    log.log_change(_change(ChangeKind.LEAVE, by=SUBJECT))
    assert "by" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("kind", "level"),
    [(kind, "warning" if kind.name in ("SUSPECT", "FAILED", "CONFLICT") else "info") for kind in ChangeKind],
)
def test_each_kind_of_change_has_its_level(kind: ChangeKind, level: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What an operator should look at is a warning."""
    log.configure("info", as_json=True)
    log.log_change(_change(kind))
    assert json.loads(capsys.readouterr().out)["level"] == level


def test_text_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """For people: time, level, event, key=value, with quotes where a value has spaces or is empty."""
    log.configure("info", as_json=False)
    log.log_event(logging.getLogger("shoal.x"), logging.INFO, "listening", name="n1", note="a b", empty="", count=3)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.split(" ", 1)[1] == 'INFO    listening name=n1 note="a b" empty="" count=3\n'


def test_newlines_in_values_stay_in_their_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Text from outside (a display name, an error) cannot forge a second line, in either form."""
    for as_json in (True, False):
        log.configure("info", as_json=as_json)
        log.log_event(logging.getLogger("shoal.x"), logging.INFO, "event", note="a\nmember-failed name=n1")
        captured = capsys.readouterr()
        assert len((captured.out + captured.err).splitlines()) == 1


@given(message=ANY_TEXT, fields=st.dictionaries(st.sampled_from(["name", "note", "address", "output"]), ANY_TEXT))
def test_record_is_one_line_of_printable_letters(message: str, fields: dict[str, str]) -> None:
    """Whatever is in its message or in any field, in either form; as JSON it is read back as it was."""
    for as_json in (True, False):
        written = _written(as_json, message, fields)
        assert written.endswith("\n")
        assert written[:-1].isprintable()
        assert len(written.splitlines()) == 1
        assert written.encode()
    assert {key: _joined(value) for key, value in fields.items()}.items() <= json.loads(
        _written(True, "x", fields)
    ).items()


def test_text_shows_what_was_not_printable(capsys: pytest.CaptureFixture[str]) -> None:
    """A service's name with a newline and an escape is seen for what it is, in a sentence as in a field."""
    log.configure("info", as_json=False)
    name = "web\n2026-01-01T00:00:00.000Z WARNING member-failed name=n3\x1b[2K\u202e\\"
    logging.getLogger("shoal.service").warning("deregistered service %s", name)
    log.log_event(logging.getLogger("shoal.x"), logging.INFO, "event", name=name)
    sentence, event = capsys.readouterr().err.splitlines()
    shown = r"web\n2026-01-01T00:00:00.000Z WARNING member-failed name=n3\x1b[2K\u202e\\"
    assert sentence.endswith(f"deregistered service {shown}")
    assert event.endswith(f'event name="{shown}"')


def test_traceback_follows_behind_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """Its lines are lines, for people; none of them can be taken for a record, whatever the error's text is."""
    log.configure("info", as_json=False)
    try:
        raise ValueError("x\n2026-01-01T00:00:00.000Z WARNING member-failed\x1b[2J")
    except ValueError:
        logging.getLogger("shoal.x").exception("failed")
    record, *trace = capsys.readouterr().err.splitlines()
    assert record.endswith("ERROR   failed")
    assert all(line.startswith(log.TRACE_MARGIN) and line.isprintable() for line in trace)
    assert trace[-1] == r"  | 2026-01-01T00:00:00.000Z WARNING member-failed\x1b[2J"


def _written(as_json: bool, message: str, fields: dict[str, str]) -> str:
    log.configure("info", as_json=as_json)
    (handler,) = logging.getLogger("shoal").handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(io.StringIO())
    if fields:
        log.log_event(logging.getLogger("shoal.x"), logging.INFO, message, **fields)
    else:
        logging.getLogger("shoal.x").info("%s", message)
    written: str = handler.stream.getvalue()
    return written


def _joined(text: str) -> object:
    """Read two surrogates side by side as the letter they are, as every reader of JSON does."""
    return json.loads(json.dumps(text))


def test_plain_messages_carry_their_logger(capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence without fields is `logger` and `message`; an exception comes with its traceback."""
    log.configure("info", as_json=True)
    logger = logging.getLogger("shoal.join")
    logger.warning("not joined through %s yet", "n1")
    try:
        raise ValueError("x")
    except ValueError:
        logger.exception("failed")
    plain, failed = map(json.loads, capsys.readouterr().out.splitlines())
    assert (plain["logger"], plain["message"]) == ("shoal.join", "not joined through n1 yet")
    assert "ValueError: x" in failed["exception"]


def test_level_cuts_off_what_is_below(capsys: pytest.CaptureFixture[str]) -> None:
    """set_level counts from now on, also for events."""
    log.configure("error", as_json=True)
    log.log_change(_change(ChangeKind.JOIN))
    assert capsys.readouterr().out == ""
    log.set_level("info")
    log.log_change(_change(ChangeKind.JOIN))
    assert "member-join" in capsys.readouterr().out


def test_configure_again_replaces_the_handler(capsys: pytest.CaptureFixture[str]) -> None:
    """A second configuration does not say everything twice."""
    log.configure("info", as_json=True)
    log.configure("info", as_json=True)
    log.log_change(_change(ChangeKind.JOIN))
    assert len(capsys.readouterr().out.splitlines()) == 1
