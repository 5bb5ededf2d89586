"""The stream of events: resuming, gaps, heartbeats, and clients that go away."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import trio
import trio.testing

from api.native import event as event_module
from api.native.event import END_TEXT, HEARTBEAT_S, STREAMS_MAX, follow
from tests.api.asker import RawClient, ask, make_app, serving
from tests.api.fake_view import RING_START, FakeView


def _always() -> bool:
    """Let the client follow."""
    return True


def _parse(text: bytes) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.decode().strip().split("\n"))


async def _take(stream: AsyncIterator[bytes], count: int) -> list[dict[str, Any]]:
    """Read so many pieces after the first, which only sets the id."""
    pieces = []
    async for text in stream:
        pieces.append(_parse(text))
        if len(pieces) == count + 1:
            break
    return pieces[1:]


async def test_follow_begins_with_index() -> None:
    """The first piece gives the index, so that a client that hears nothing more can resume."""
    async with aclosing(follow(FakeView(), RING_START, trio.Event(), _always)) as stream:  # type: ignore[type-var]
        assert await anext(stream) == b"retry: 2000\nid: %d\n\n" % RING_START


async def test_follow_gives_events_after_index() -> None:
    """Only what is newer than the index comes, in order, each with its id."""
    view = FakeView()
    for name in ("member-failed", "member-leave", "member-join"):
        view.add_event(name)
    pieces = await _take(follow(view, RING_START + 1, trio.Event(), _always), 2)
    assert [piece["event"] for piece in pieces] == ["member-leave", "member-join"]
    assert [int(piece["id"]) for piece in pieces] == [RING_START + 2, RING_START + 3]
    data = json.loads(pieces[0]["data"])
    assert (data["name"], data["index"], data["status"]) == ("n2", RING_START + 2, "failed")


async def test_follow_waits_for_news() -> None:
    """An event that happens while the client waits reaches it."""
    view = FakeView()
    found: list[dict[str, Any]] = []

    async def listen() -> None:
        found.extend(await _take(follow(view, RING_START, trio.Event(), _always), 1))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await trio.testing.wait_all_tasks_blocked()
        assert found == []
        view.add_event("member-join")
    assert found[0]["event"] == "member-join"


async def test_follow_tells_gap() -> None:
    """When the ring has moved on, a gap comes before what is still held."""
    view = FakeView()
    for _ in range(5):
        view.add_event()
    view.forget_events(3)
    gap, first, second = await _take(follow(view, RING_START + 1, trio.Event(), _always), 3)
    assert gap["event"] == "gap"
    assert "id" not in gap  # a client cut off here must meet the gap again
    assert json.loads(gap["data"]) == {"since": RING_START + 1, "until": RING_START + 4}
    assert [int(first["id"]), int(second["id"])] == [RING_START + 4, RING_START + 5]


async def test_follow_from_nothing_is_no_gap() -> None:
    """Index 0 asks for all there is, and loses nothing."""
    view = FakeView()
    view.add_event()
    pieces = await _take(follow(view, 0, trio.Event(), _always), 1)
    assert pieces[0]["event"] == "member-failed"


async def test_follow_index_of_the_future() -> None:
    """An index that this process never gave is a gap, and then the stream goes on from now."""
    view = FakeView()
    found: list[dict[str, Any]] = []

    async def listen() -> None:
        found.extend(await _take(follow(view, RING_START + 999, trio.Event(), _always), 2))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await trio.testing.wait_all_tasks_blocked()
        view.add_event("member-join")
    assert [piece["event"] for piece in found] == ["gap", "member-join"]


async def test_follow_heartbeat(autojump_clock: trio.testing.MockClock) -> None:
    """Quiet is broken by a comment at the heartbeat, and only then."""
    async with aclosing(follow(FakeView(), RING_START, trio.Event(), _always)) as stream:  # type: ignore[type-var]
        await anext(stream)
        began = trio.current_time()
        assert await anext(stream) == b":\n\n"
        assert trio.current_time() - began == HEARTBEAT_S


async def test_follow_ends_with_the_right_to_it(autojump_clock: trio.testing.MockClock) -> None:
    """It is asked for again before each event and heartbeat; the last word says why there is no other."""
    view, rights = FakeView(), [True, False]
    view.add_event()
    pieces = [text async for text in follow(view, RING_START, trio.Event(), lambda: rights.pop(0))]
    assert [_parse(text).get("event") for text in pieces] == [None, "member-failed", "end"]
    rights = [True, False, False]
    *_, last = [text async for text in follow(FakeView(), RING_START, trio.Event(), lambda: rights.pop(0))]
    assert last == END_TEXT
    assert json.loads(_parse(last)["data"]) == {"reason": "the right to follow has ended"}


async def test_follow_ends_with_server() -> None:
    """The server's end ends a stream that waits."""
    closing = trio.Event()
    pieces: list[bytes] = []

    async def listen() -> None:
        async for text in follow(FakeView(), RING_START, closing, _always):
            pieces.append(text)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await trio.testing.wait_all_tasks_blocked()
        closing.set()
    assert len(pieces) == 2


@pytest.mark.parametrize("index", ["-1", "x", "1.5", "9" * 40])
async def test_events_bad_index(index: str) -> None:
    """An index that cannot be read is 400, from the query as from the header."""
    for target, headers in ((f"?index={index}", {}), ("", {"Last-Event-ID": index})):
        answer = await ask(FakeView(), "GET", f"/v1/cluster/events{target}", headers)
        assert (answer.status, answer.json["code"]) == (400, "INVALID_REQUEST")


async def _open_stream(client: RawClient, extra: str = "", query: str = "") -> bytes:
    await client.send(f"GET /v1/cluster/events{query} HTTP/1.1\r\nHost: localhost\r\n{extra}\r\n".encode())
    return await client.read_until(b"\r\n\r\n")


async def test_events_served() -> None:
    """Over a socket: the larger of index and Last-Event-ID counts, and events come as they happen."""
    view = FakeView()
    for _ in range(3):
        view.add_event()
    async with serving(make_app(view)) as address:
        client = await RawClient.connect(address)
        head = await _open_stream(client, f"Last-Event-ID: {RING_START + 2}\r\n", f"?index={RING_START}")
        assert b"text/event-stream" in head
        assert f"id: {RING_START + 2}\n".encode() in await client.read_until(b"\n\n")
        assert f"id: {RING_START + 3}\n".encode() in await client.read_until(b"\n\n")
        view.add_event("member-reap")
        assert b"event: member-reap" in await client.read_until(b"\n\n")


async def test_events_streams_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One stream too many is refused; a client that goes away makes room; others are served meanwhile."""
    monkeypatch.setattr(event_module, "STREAMS_MAX", 2)
    view = FakeView()
    async with serving(make_app(view)) as address:
        clients = [await RawClient.connect(address) for _ in range(2)]
        for client in clients:
            await _open_stream(client)
            await client.read_until(b"\n\n")
        third = await RawClient.connect(address)
        assert (await third.ask("GET", "/v1/cluster/events")).status == 429
        await clients[0].stream.aclose()
        with trio.fail_after(10):
            while await _is_refused(address):
                await trio.testing.wait_all_tasks_blocked()


async def _is_refused(address: Any) -> bool:
    client = await RawClient.connect(address)
    head = await _open_stream(client)
    await client.stream.aclose()
    return b" 429 " in head


async def test_events_do_not_hold_turns() -> None:
    """Streams give their turn back: the bound on them may reach the requests in service, and not block."""
    assert STREAMS_MAX < 64
    view = FakeView()
    app = make_app(view)
    async with serving(app) as address:
        clients = []
        for _ in range(STREAMS_MAX):
            client = await RawClient.connect(address)
            await _open_stream(client)
            await client.read_until(b"\n\n")
            clients.append(client)
        turns = app.asgi_app._slots  # type: ignore[attr-defined]
        assert turns.value == 64
        for client in clients:
            await client.stream.aclose()
