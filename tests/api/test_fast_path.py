"""Hot answers: the same bytes as Quart's route gives, for whoever asks and however; and the same places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
import trio
import trio.testing
from quart_trio import QuartTrio

from api.answer import RawResponse
from api.app import HttpSettings, build_http_app
from api.fast_path import FastPath, RawRequest
from api.middleware import SERVICE_MAX, RequestCounter
from api.token_view import Scope
from api.view import Health
from protocol.status import Status
from tests.api.asker import Answer, RawClient, ask_app, make_app, make_consul_app, serving
from tests.api.fake_tokens import ADMIN_TOKEN, WEAK_TOKEN, token_of, token_without
from tests.api.fake_view import FakeView

APPS: dict[str, Callable[[FakeView, bool], QuartTrio]] = {
    "http": lambda view, acl: make_app(view, acl=acl),
    "consul": make_consul_app,
}
NATIVE_PATHS = ("/v1/cluster/members", "/livez", "/readyz", "/metrics")
PATHS = {
    "http": ("/v1/agent/self", "/v1/agent/members", "/v1/agent/health", "/v1/peers", *NATIVE_PATHS),
    "consul": ("/v1/agent/self", "/v1/agent/members", "/v1/catalog/nodes", "/v1/catalog/services", *NATIVE_PATHS),
}
SCOPES = {
    "/v1/agent/self": Scope.AGENT_READ,
    "/v1/agent/members": Scope.NODE_READ,
    "/v1/cluster/members": Scope.NODE_READ,
    "/metrics": Scope.NODE_READ,
    "/v1/peers": Scope.PEERS_READ,
    "/v1/catalog/nodes": Scope.NODE_READ,
    "/v1/catalog/services": Scope.SERVICE_READ,
}
CASES = [(name, path) for name, paths in PATHS.items() for path in paths if path != "/v1/peers"]
"""The peers' list takes a bearer token alone, at all times: tests/api/peers has it."""
MEMBER_CASES = [case for case in CASES if "/catalog/" not in case[1]]
"""What the fake node's changes show in: its catalog is made apart."""
STEADY_CASES = [case for case in CASES if case[1] != "/metrics"]
"""What does not count the requests themselves."""
TOKEN_HEADERS = ("Authorization", "X-Nomad-Token", "X-Consul-Token")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
QUERIES = (
    *("pretty", "pretty=0", "pretty=1&pretty=0", "pretty=%FF", "x", "&&", "=", "%", "%00", "a=b=c", "x=1&" * 300),
    *("stale=x", "stale=", "stale=1&wait=10s&index=7", "wait=x", "index=-1", "index=1e3"),
    *("type=client", "type=server&type=client", "type=nothing"),
    *("wan=1", "wan=", "segment=_all", "segment=x", "filter=Name==n1", "filter=(", f"token={ADMIN_TOKEN}", "token=x"),
)


@dataclass
class Watch:
    """What the table of an app does."""

    is_on: bool = True
    """Whether it answers; without it every request goes on to Quart."""
    answered: int = 0
    """How often it did."""


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Give the switch of every table."""
    watch, answer = Watch(), FastPath.answer

    def watched(table: FastPath, request: RawRequest) -> RawResponse | None:
        found = answer(table, request) if watch.is_on else None
        watch.answered += found is not None
        return found

    monkeypatch.setattr(FastPath, "answer", watched)
    return watch


async def ask_both(
    watch: Watch, app: QuartTrio, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[Answer, bool]:
    """Ask with and without the table, see that it makes no difference, and tell whether the table answered."""
    watch.is_on, watch.answered = True, 0
    hot = await ask_app(app, method, target, headers, body)
    is_hot = watch.answered > 0
    watch.is_on = False
    cold = await ask_app(app, method, target, headers, body)
    assert hot == cold, (method, target, headers)
    assert list(hot.headers) == list(cold.headers)
    return hot, is_hot


def expired(view: FakeView) -> str:
    """Make a token that was known once: the node tells no difference between that and one whose time is over."""
    view.tokens.forget(token_of(Scope.NODE_READ))
    return token_of(Scope.NODE_READ)


@pytest.mark.parametrize("name", APPS)
def test_hot_table_has_the_methods_of_its_routes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the table answers is what the routes of those paths serve, no more; and it is the paths above."""
    taken: set[tuple[str, str]] = set()
    add = FastPath.add

    def noted(table: FastPath, path: str, answer: object, methods: Sequence[str]) -> None:
        add(table, path, answer, methods)  # type: ignore[arg-type]
        taken.update((method, path) for method in methods)

    monkeypatch.setattr(FastPath, "add", noted)
    rules = APPS[name](FakeView(), False).url_map.iter_rules()
    served = {(method, rule.rule) for rule in rules if rule.rule in PATHS[name] for method in rule.methods or ()}
    assert taken == {(method, path) for method, path in served if method in ("GET", "HEAD")}


@pytest.mark.parametrize("acl", [False, True], ids=["open", "acl"])
@pytest.mark.parametrize(("name", "path"), CASES)
async def test_hot_answer_is_the_route_s_whoever_asks(name: str, path: str, acl: bool, watch: Watch) -> None:
    """By every method and every token in every place; whoever may read is answered by the table."""
    view = FakeView()
    app = APPS[name](view, acl)
    scope = SCOPES.get(path)
    good = (ADMIN_TOKEN, token_of(scope or Scope.NODE_READ))
    bad = ("nobody-has-this-one", WEAK_TOKEN, token_without(scope or Scope.NODE_READ), "t\u00f6ken", "x" * 600)
    for method in METHODS:
        await ask_both(watch, app, method, path)
        for token in (*good, *bad, f" {good[0]} "):
            for header in TOKEN_HEADERS:
                value = f"bEARER {token}" if header == "Authorization" else token
                _, is_hot = await ask_both(watch, app, method, path, {header.upper(): value})
                reads = header == "Authorization" or (header == "X-Consul-Token") == (name == "consul")
                if method == "GET" and reads and token.strip() in good:
                    assert is_hot, (header, token)
                if method not in ("GET", "HEAD"):
                    assert not is_hot
    answer, _ = await ask_both(watch, app, "GET", path, {"Authorization": f"Bearer {expired(view)}"})
    is_refused = acl and scope is not None
    assert answer.status == ((401 if path in NATIVE_PATHS else 403) if is_refused else 200)


@pytest.mark.parametrize(("name", "path"), CASES)
async def test_hot_answer_is_the_route_s_however_it_is_asked(name: str, path: str, watch: Watch) -> None:
    """By odd queries, headers, paths and bodies; what an honest route refuses is refused."""
    app = APPS[name](FakeView(), True)
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    for query in QUERIES:
        for method in ("GET", "HEAD"):
            await ask_both(watch, app, method, f"{path}?{query}", headers)
    for other in ({"Accept": "text/html"}, {"Range": "bytes=0-1"}, {"If-None-Match": "*"}, {"Cookie": "a=b"}):
        assert (await ask_both(watch, app, "GET", path, {**headers, **other}))[1]
    for other in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Host": ""}):
        answer, is_hot = await ask_both(watch, app, "GET", path, {**headers, **other})
        assert (answer.status, is_hot) == (403, False)
    for target in (f"{path}/", f"/{path}", path.upper(), path.replace("e", "%65"), f"http://localhost{path}", path[1:]):
        await ask_both(watch, app, "GET", target, headers)
    await ask_both(watch, app, "GET", path, headers, b"a body that nobody reads")


@pytest.mark.parametrize(("name", "path"), MEMBER_CASES)
async def test_hot_answer_follows_the_node(name: str, path: str, watch: Watch) -> None:
    """A change is in the next answer."""
    view = FakeView()
    app = APPS[name](view, False)

    def nothing() -> None:
        pass

    def fail() -> None:
        view.set_status(2, Status.FAILED)

    def leave() -> None:
        view.is_leaving = True
        view.generation += 1

    def wane() -> None:
        view.is_ready = Health(False, "not yet")
        view.is_live = replace(view.is_ready, warnings=("late",))

    bodies = []
    for change in (nothing, fail, leave, wane):
        change()
        answer, is_hot = await ask_both(watch, app, "GET", path)
        assert is_hot
        bodies.append((answer.status, answer.body))
    assert len(set(bodies)) > 1


@pytest.mark.parametrize(("name", "path"), STEADY_CASES)
async def test_hot_answer_is_the_same_on_the_wire(name: str, path: str, watch: Watch) -> None:
    """Down to the bytes that leave the socket, for HTTP/1.0 and 1.1, GET and HEAD, one at a time and in a row."""
    requests = [
        f"{method} {path} HTTP/{version}\r\n{headers}Connection: close\r\n\r\n"
        for method in ("GET", "HEAD")
        for version, headers in (("1.1", "Host: localhost\r\n"), ("1.0", ""), ("1.0", "Host: localhost\r\n"))
    ]
    requests.append(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3 + requests[0])
    requests.append(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc" + requests[0])
    requests.append(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + requests[0]
    )
    got: dict[bool, list[bytes]] = {}
    async with serving(APPS[name](FakeView(), False)) as address:
        for is_on in (True, False):
            watch.is_on, got[is_on] = is_on, []
            for request in requests:
                client = await RawClient.connect(address)
                await client.send(request.encode())
                got[is_on].append(await client.read_until(b"the end of the connection"))
    undated = {is_on: [without_date(data) for data in all_data] for is_on, all_data in got.items()}
    assert undated[True] == undated[False]
    assert watch.answered > 0
    assert all(data.startswith(b"HTTP/1.1 ") for data in got[True])


def without_date(data: bytes) -> bytes:
    """Leave out the one header that time makes different."""
    return b"\r\n".join(line for line in data.split(b"\r\n") if not line.startswith(b"Date:"))


async def test_hot_answer_waits_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """While all places are taken it is not given, and it gives its own back."""
    view = FakeView()
    app = make_app(view)
    release = trio.Event()

    async def slow_disk(node: str, prune: bool) -> bool:
        await release.wait()
        return True

    monkeypatch.setattr(view, "force_leave", slow_disk)
    answers: list[Answer] = []

    async def ask_once() -> None:
        answers.append(await ask_app(app, "GET", "/livez"))

    async with trio.open_nursery() as nursery:
        for _ in range(SERVICE_MAX):
            nursery.start_soon(ask_app, app, "POST", "/v1/agent/force-leave?node=n1")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(ask_once)
        await trio.testing.wait_all_tasks_blocked()
        assert answers == []
        release.set()
    for _ in range(2 * SERVICE_MAX):
        assert (await ask_app(app, "GET", "/livez")).status == 200


async def test_hot_answer_is_counted(watch: Watch) -> None:
    """By its status, once, whoever gave it."""
    counter = RequestCounter()
    app = build_http_app(FakeView(), HttpSettings(acl=True), counter)
    for target in ("/livez", "/v1/cluster/members", "/v1/agent/members"):
        await ask_both(watch, app, "GET", target)
    assert counter.by_status == {200: 2, 401: 2, 403: 2}


async def test_hot_answer_that_fails_is_worded_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, watch: Watch
) -> None:
    """A failure of ours is 500 with a sentence, and its cause is in the log, once."""
    view = FakeView()

    def broken() -> Health:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(view, "live", broken)
    answer = await ask_app(make_app(view), "GET", "/livez")
    assert (answer.status, answer.json["code"]) == (500, "INTERNAL")
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["a fault of ours"]
    assert watch.answered == 0
