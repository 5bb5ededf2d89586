"""The stream of the log: which lines it shows, what it bounds, how it ends."""

import json
import logging
import re
import sys
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from api.consul.log_line import FIELDS, JsonLine, TextLine
from api.consul.monitor import LINES_MAX, STREAMS_MAX, LogLines
from node import log
from tests.api.asker import RawClient, ask_consul, make_consul_app, serving
from tests.api.fake_view import FakeView

_log = logging.getLogger("shoal.test")


@pytest.mark.parametrize("level", ["x", "8", "information", "warning", "off"])
async def test_monitor_level_unknown(level: str) -> None:
    """A level that a Consul has not is 400."""
    answer = await ask_consul(FakeView(), "GET", f"/v1/agent/monitor?loglevel={level}")
    assert (answer.status, answer.text) == (400, f"Bad request: Unknown log level: {level}")


async def _open(address: object, query: str = "") -> RawClient:
    """Open a stream; its head and one line come before anything is logged."""
    client = await RawClient.connect(address)  # type: ignore[arg-type]
    await client.send(f"GET /v1/agent/monitor{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert b"200" in await client.read_until(b"\r\n\r\n")
    first = await client.read_until(b"\n\r\n")  # a line, in a chunk of its own
    assert b"streaming the log" in first
    if "logjson" in query:
        assert json.loads(first.splitlines()[1])["@message"] == "streaming the log"
    return client


async def test_monitor_streams_from_its_level_upwards() -> None:
    """Lines arrive as they are logged, one for each record, and the handler goes with the client."""
    shutdown = trio.Event()
    before = list(logging.getLogger("shoal").handlers)
    with trio.fail_after(10):
        async with serving(make_consul_app(FakeView()), shutdown) as address:
            client = await _open(address, "?loglevel=WARN")
            _log.info("not this")
            await trio.to_thread.run_sync(_log.warning, "this %s", "one\nand no other line")
            assert rb"[WARN]  shoal.test: this one\nand no other line" + b"\n" in await client.read_until(b"line\n")
            shutdown.set()
    assert logging.getLogger("shoal").handlers == before


async def test_monitor_bounds_its_streams() -> None:
    """Beyond the bound it is 429, until one ends."""
    with trio.fail_after(10):
        async with serving(make_consul_app(FakeView())) as address:
            clients = [await _open(address) for _ in range(STREAMS_MAX)]
            client = await RawClient.connect(address)
            assert (await client.ask("GET", "/v1/agent/monitor")).status == 429
            await clients[0].stream.aclose()
            while (await client.ask("GET", "/v1/agent/monitor?loglevel=x")).status != 400:
                await trio.testing.wait_all_tasks_blocked()


async def test_monitor_counts_what_is_lost() -> None:
    """Who reads too slowly is told how many lines are missing."""
    lines = LogLines(logging.INFO, TextLine())
    for number in range(LINES_MAX + 3):
        lines.emit(logging.LogRecord("shoal", logging.INFO, "", 0, "line %d", (number,), None))
    await trio.testing.wait_all_tasks_blocked()
    text = await lines.take()
    assert text.count("\n") == LINES_MAX + 1
    assert text.endswith("[WARN]  shoal.http: lines were lost: they came faster than they were read: count=3\n")


JOIN = {
    "event": "member-join",
    "name": "n2",
    "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "address": "127.0.0.1:4648",
    "incarnation": 7,
}


@pytest.mark.parametrize("query", ["?logjson", "?logjson=false&loglevel=warn"])
async def test_monitor_shows_the_fields_of_an_event_as_json(query: str) -> None:
    """Each line is an object with a Consul's keys and the event's fields, the first line too."""
    with trio.fail_after(10):
        async with serving(make_consul_app(FakeView())) as address:
            client = await _open(address, query)
            _log.warning("%s", "member-join", extra={FIELDS: JOIN})
            (line,) = re.findall(rb"\{.*\}", await client.read_until(b"}\n"))
    entry = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry.pop("@timestamp"))
    fields = {key: value for key, value in JOIN.items() if key != "event"}
    assert entry == {"@level": "warn", "@message": "member-join", "@module": "shoal.test", **fields}


async def test_monitor_shows_the_fields_of_an_event_as_text() -> None:
    """Name, id, address and incarnation stand behind the event's name."""
    with trio.fail_after(10):
        async with serving(make_consul_app(FakeView())) as address:
            client = await _open(address)
            _log.warning("%s", "member-join", extra={FIELDS: JOIN})
            text = (await client.read_until(b"incarnation=7\n")).decode()
    wanted = (
        "[WARN]  shoal.test: member-join: name=n2 id=01ARZ3NDEKTSV4RRFFQ69G5FAV address=127.0.0.1:4648 incarnation=7\n"
    )
    assert text.endswith(wanted)
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[WARN\]", text)


def _record(level: int, message: str, fields: dict[str, Any]) -> logging.LogRecord:
    record = logging.LogRecord("shoal", level, "", 0, message, None, None)
    setattr(record, FIELDS, fields)
    return record


def test_fields_are_those_of_the_log() -> None:
    """The node's own log keeps an event's fields under the same name."""
    assert FIELDS == log.FIELDS


@pytest.mark.parametrize(
    ("level", "mark", "word"),
    [
        (logging.DEBUG, "[DEBUG] shoal", "debug"),
        (logging.INFO, "[INFO]  shoal", "info"),
        (logging.WARNING, "[WARN]  shoal", "warn"),
        (logging.ERROR, "[ERROR] shoal", "error"),
        (logging.CRITICAL, "[ERROR] shoal", "error"),
    ],
)
def test_line_has_the_level(level: int, mark: str, word: str) -> None:
    """Levels are written as a Consul writes them."""
    record = _record(level, "x", {})
    assert mark in TextLine().format(record)
    assert json.loads(JsonLine().format(record))["@level"] == word


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.floats() | st.none()))
def test_line_is_one_line_whatever_is_logged(message: str, fields: dict[str, Any]) -> None:
    """No message and no value ends a line, and JSON can be read strictly."""
    record = _record(logging.INFO, message, {f"f{number}": value for number, value in enumerate(fields.values())})
    assert TextLine().format(record).isprintable()
    line = JsonLine().format(record)
    assert line.isprintable()
    msgspec.json.decode(line)


def test_line_quotes_a_value_that_could_be_taken_for_another() -> None:
    """A blank, a quotation mark or a line's end in a value cannot look like the next field or the next line."""
    record = _record(logging.INFO, "e", {"a": "x b=y", "c": "l\nm", "d": "", "e": 'q"', "f": "plain"})
    assert TextLine().format(record).endswith(r': e: a="x b=y" c=l\nm d="" e="q\"" f=plain')


def test_line_of_a_failure_has_the_error() -> None:
    """Of an exception its kind and its words."""
    try:
        raise OSError("disk is full")
    except OSError:
        record = logging.LogRecord("shoal", logging.ERROR, "", 0, "cannot write", None, sys.exc_info())
    assert TextLine().format(record).endswith(': cannot write: error="OSError: disk is full"')
    assert json.loads(JsonLine().format(record))["error"] == "OSError: disk is full"
