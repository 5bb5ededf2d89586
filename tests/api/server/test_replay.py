"""Replayed answers: the bytes that h11 and the app would send, for every head and at every time."""

import os
import random
import re
from collections.abc import Callable
from typing import Final

import pytest
import trio
import trio.testing
from quart_trio import QuartTrio

from api.server.replay import HEAD_SIZE_MAX, HEADS_MAX, Replays
from api.server.wire import answer_bytes
from api.token_view import Scope
from api.view import Health
from protocol.address import Address
from protocol.status import Status
from tests.api.asker import RawClient, make_app, make_consul_app, serving
from tests.api.fake_tokens import ADMIN_TOKEN, WEAK_TOKEN, token_of
from tests.api.fake_view import FakeView

APPS: dict[str, Callable[[FakeView, bool], QuartTrio]] = {
    "http": lambda view, acl: make_app(view, acl=acl),
    "consul": make_consul_app,
}
SEED: Final = 20261201
ROUNDS: Final = int(os.environ.get("SHOAL_REPLAY_ROUNDS", "300"))
"""Heads for each app and mode, each asked three times; the whole proof takes 10,000."""

TARGETS: Final = (
    *("/livez", "/readyz", "/v1/agent/members", "/v1/agent/self", "/v1/agent/health", "/v1/cluster/members"),
    *("/v1/catalog/services", "/v1/catalog/nodes", "/v1/catalog/service/web", "/v1/health/service/web"),
    *("/v1/health/state/any", "/v1/health/checks/web", "/v1/health/node/n1", "/v1/peers", "/v1/services"),
    *("/v1/agent/services", "/v1/agent/checks", "/nothing", "/v1/regions", "/v1/status/leader", "//livez", "/%zz"),
)
QUERIES: Final = (
    *("", "", "", "pretty", "stale=", "pretty=0", "index=0", "index=1&wait=1ms", "filter=Name==n1", "tag=v1"),
    *("token=x", f"token={ADMIN_TOKEN}", "wait=x", "near=_agent", "%", "%FF", "a=1&a=2", "dc=dc1", "dc=x", "passing"),
)
LINES: Final = (
    *("Host: localhost", "Host: 127.0.0.1:4646", "host: [::1]", "Host: evil.example", "Accept: */*", "X-Empty:"),
    *("User-Agent: Mozilla/5.0", "Origin: http://evil.example", "Referer: http://evil.example/", "Cookie: a=b"),
    *(
        "Sec-Fetch-Site: cross-site",
        "Connection: keep-alive",
        "Connection: close",
        "Connection: Upgrade",
        "Upgrade: h2c",
    ),
    *("Content-Length: 0", "Content-Length: 3", "Transfer-Encoding: chunked", "Expect: 100-continue", "X-Blank : 1"),
    *(f"Authorization: Bearer {ADMIN_TOKEN}", f"X-Consul-Token: {WEAK_TOKEN}", f"X-Nomad-Token: {ADMIN_TOKEN}"),
    *(f"X-Consul-Token: {token_of(Scope.SERVICE_READ)}", "X-Latin: \xe9", "X-Fold: a\r\n b", "Upgrade: h2c"),
)
_VARYING: Final = re.compile(rb'Date: [^\r]*|"goroutines":[^,}]*')


def make_head(rng: random.Random, acl: bool) -> bytes:
    """Return a request that may be plain, odd or broken; under access control most carry a token that may read."""
    target = rng.choice(TARGETS) + rng.choice(("", "", "?")) + rng.choice(QUERIES)
    method = rng.choice(("GET", "GET", "GET", "GET", "HEAD", "PUT", "get"))
    version = rng.choice(("1.1", "1.1", "1.1", "1.1", "1.0"))
    lines = [] if rng.random() < 0.1 else ["Host: localhost"]
    if acl and rng.random() < 0.7:
        lines.append(f"Authorization: Bearer {ADMIN_TOKEN}")
    lines += rng.sample(LINES, rng.choice((0, 0, 1, 1, 2)))
    end = rng.choice(("\r\n", "\r\n", "\r\n", "\n"))
    head = f"{method} {target} HTTP/{version}{end}" + "".join(line + end for line in lines) + end
    data = bytearray(head.encode("latin-1"))
    if rng.random() < 0.05:
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


async def ask_once(address: Address, head: bytes) -> bytes:
    """Send a head on a connection of its own, and nothing more; return all that comes until its end."""
    stream = await trio.open_tcp_stream(address.host, address.port)
    got = b""
    async with stream:
        try:
            await stream.send_all(head)
            await stream.send_eof()
            while data := bytes(await stream.receive_some()):
                got += data
        except trio.BrokenResourceError:
            got += b"(reset)"
    return _VARYING.sub(b"", got.replace(b"%d" % address.port, b"PORT"))


async def ask_all_thrice(address: Address, heads: list[bytes]) -> dict[bytes, list[bytes]]:
    """Ask with each head three times, and with several heads at a time."""
    got: dict[bytes, list[bytes]] = {}
    limit = trio.CapacityLimiter(16)

    async def ask(head: bytes) -> None:
        async with limit:
            got[head] = [await ask_once(address, head) for _ in range(3)]

    async with trio.open_nursery() as nursery:
        for head in heads:
            nursery.start_soon(ask, head)
    return got


@pytest.mark.parametrize("acl", [False, True], ids=["open", "acl"])
@pytest.mark.parametrize("name", APPS)
async def test_replay_sends_what_the_long_way_sends(name: str, acl: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked three times, with and without replays, a head gets the same bytes."""
    rng = random.Random(f"{SEED}{name}{acl}")
    heads = [make_head(rng, acl) for _ in range(ROUNDS)]
    replayed = 0
    answer = Replays.answer

    def counted(self: Replays, head: bytes) -> bytes | None:
        nonlocal replayed
        found = answer(self, head)
        replayed += found is not None
        return found

    got: dict[bool, dict[bytes, list[bytes]]] = {True: {}, False: {}}
    for is_on in (True, False):
        monkeypatch.setattr(Replays, "answer", counted if is_on else lambda self, head: None)
        view = FakeView()
        async with serving(APPS[name](view, acl)) as address:
            got[is_on] = await ask_all_thrice(address, heads)
    different = [head for head in heads if got[True][head] != got[False][head]]
    assert [(head, got[True][head], got[False][head]) for head in different[:2]] == []
    assert replayed > 0


async def test_replay_follows_the_node_and_the_token() -> None:
    """A change is in the next answer; a token that was revoked reads no more."""
    view = FakeView()
    async with serving(make_app(view, acl=True)) as address:
        client = await RawClient.connect(address)
        token = token_of(Scope.NODE_READ)
        extra = f"X-Nomad-Token: {token}\r\n"
        bodies = [(await client.ask("GET", "/v1/agent/members", extra)).body for _ in range(3)]
        assert len(set(bodies)) == 1
        view.set_status(2, Status.FAILED)
        assert (await client.ask("GET", "/v1/agent/members", extra)).body != bodies[0]
        view.tokens.forget(token)
        assert (await client.ask("GET", "/v1/agent/members", extra)).status == 403
        assert (await client.ask("GET", "/v1/agent/members", extra)).status == 403


def test_replay_bounds() -> None:
    """A long head is not kept; of many the oldest goes."""
    replays = Replays()

    class Ready:
        status, body = 200, b"x"

        def header_list(self) -> list[tuple[bytes, bytes]]:
            return []

    replays.keep(b"x" * (HEAD_SIZE_MAX + 1), Ready)
    assert replays.answer(b"x" * (HEAD_SIZE_MAX + 1)) is None
    for number in range(HEADS_MAX + 1):
        replays.keep(b"%d" % number, Ready)
    assert replays.answer(b"0") is None
    assert replays.answer(b"1") == answer_bytes(200, [], b"x")


async def test_replay_takes_no_piece_of_a_request_for_one() -> None:
    """A head that came in two pieces, and one whose body comes later, are never taken for heads of their own."""
    view = FakeView()
    view.is_ready = Health(False, "not yet")  # so that /livez and /readyz differ
    async with serving(make_app(view)) as address:
        for piece, target in (
            (b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /livez HTTP/1.1\r\nX: "),
            (b"\r\n", b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"),
        ):
            for _ in range(2):
                client = await RawClient.connect(address)
                await client.ask("GET", "/regions")  # so that the next read is one of its own
                await client.send(target)
                await trio.testing.wait_all_tasks_blocked(0.01)
                await client.send(piece)
                assert (await client.read_answer()).status == 200
                # as a head of its own it asks for /readyz, or for nothing: never for /livez, which is 200
                assert b"HTTP/1.1 200" not in await ask_once(address, piece)
        for _ in range(3):
            client = await RawClient.connect(address)
            await client.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n")
            await trio.testing.wait_all_tasks_blocked(0.01)
            await client.send(b"hello")
            assert (await client.read_answer()).status == 200
            assert (await client.ask("GET", "/readyz")).status == 503
