"""Nomad's service discovery, as Prometheus reads it."""

from hashlib import sha256
from urllib.parse import quote

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from api.consul import regexp
from api.consul.filter import FILTER_LENGTH_MAX
from api.nomad.selection import Selection
from api.token_view import Scope
from tests.api.asker import Answer, ask
from tests.api.consul.test_regexp import HAS_RE2
from tests.api.fake_catalog import remote_service
from tests.api.fake_tokens import token_of
from tests.api.fake_view import FakeView

QUERY = "?namespace=default&region=global&stale="


def _with_services() -> FakeView:
    view = FakeView()
    view.catalog.add_remote("n2", remote_service("db1", "db", ("v1",)))
    view.catalog.add_remote("n3", remote_service("db1", "db", ("v2",), port=9_001))
    view.catalog.add_remote("n3", remote_service("a/b"))
    return view


async def test_services_as_prometheus_asks() -> None:
    """One namespace, each service with all its tags; none where nothing is registered."""
    answer = await ask(_with_services(), "GET", f"/v1/services{QUERY}")
    assert answer.json == [
        {
            "Namespace": "default",
            "Services": [{"ServiceName": "a/b", "Tags": []}, {"ServiceName": "db", "Tags": ["v1", "v2"]}],
        }
    ]
    assert (await ask(FakeView(), "GET", "/v1/services")).json == []


async def test_service_instances() -> None:
    """Every key a client reads; an address that was not given is the node's, and the ids differ."""
    instances = (await ask(_with_services(), "GET", f"/v1/service/db{QUERY}")).json
    assert instances[0] == {
        "ID": instances[0]["ID"],
        "ServiceName": "db",
        "Namespace": "default",
        "NodeID": instances[0]["NodeID"],
        "Datacenter": "dc1",
        "JobID": "",
        "AllocID": "",
        "Tags": ["v1"],
        "Address": "127.0.0.1",
        "Port": 9_000,
        "CreateIndex": 31,
        "ModifyIndex": 32,
    }
    assert len({one["ID"] for one in instances}) == 2
    assert [one["Port"] for one in instances] == [9_000, 9_001]


@pytest.mark.parametrize(("path", "count"), [("a%2Fb", 1), ("nobody", 0), ("db?namespace=*", 2), ("db?namespace=x", 0)])
async def test_service_by_name(path: str, count: int) -> None:
    """A name is decoded once; an unknown one, or another namespace, is an empty list."""
    answer = await ask(_with_services(), "GET", f"/v1/service/{path}")
    assert (answer.status, len(answer.json)) == (200, count)


async def test_other_namespace_has_nothing() -> None:
    """There is one namespace."""
    assert (await ask(_with_services(), "GET", "/v1/services?namespace=x")).json == []
    assert len((await ask(_with_services(), "GET", "/v1/services?namespace=*")).json) == 1


async def test_service_without_name() -> None:
    """The prefix alone is 400."""
    assert (await ask(FakeView(), "GET", "/v1/service/")).status == 400


PATHS = ("/v1/services", "/v1/service/db")


@pytest.mark.parametrize("path", PATHS)
async def test_headers_and_parameters(path: str) -> None:
    """The headers of a Nomad; parameters that mean nothing here are let pass."""
    for query in ("", "prefix=d", "stale=", "stale=true", "reverse=true", "index=0&wait=60000ms", "region="):
        answer = await ask(_with_services(), "GET", f"{path}?{query}")
        assert answer.status == 200
        assert len(answer.json) > 0
        assert int(answer.headers["x-nomad-index"]) > 0
        assert answer.headers["x-nomad-lastcontact"] == "0"
        assert answer.headers["x-nomad-knownleader"] == "true"
    assert (await ask(_with_services(), "POST", path)).status == 405


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("wait=x", 400, "Invalid wait time"),
        ("index=-1", 400, "Invalid index"),
        ("stale=maybe", 400, "Expect `true` or `false` for `stale`"),
        ("region=nowhere", 500, "No path to region"),
    ],
)
async def test_refused_parameters(path: str, query: str, status: int, sentence: str) -> None:
    """In a Nomad's words."""
    answer = await ask(_with_services(), "GET", f"{path}?{query}")
    assert answer.status == status
    assert answer.text.startswith(sentence)


@pytest.mark.parametrize("path", PATHS)
async def test_region_of_other_members(path: str) -> None:
    """A region that some member is of is known, also if it is not this node's own."""
    view = _with_services()
    view.change_member(3, region="eu")
    assert (await ask(view, "GET", f"{path}?region=eu")).status == 200
    assert (await ask(view, "GET", f"{path}?region=EU")).status == 500


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("filter=(", 400, "failed to create result paginator: failed to read filter expression: "),
        ("filter=Foo%20==%20x", 400, 'failed to read result page: Selector "Foo" is not valid'),
        ("filter=Port%20==%20x", 400, "failed to read result page: Failed to coerce value"),
        (f"filter=ID%20==%20{'x' * FILTER_LENGTH_MAX}", 400, "failed to create result paginator: "),
        ("per_page=x", 400, "Expect a number for `per_page`"),
        ("per_page=-1", 400, "Expect a number for `per_page`"),
        ("per_page=2147483648", 400, "Expect a number for `per_page`"),
        *((f"choose={text}", 400, "failed to choose services: ") for text in ("1", "1|", "|a", "x|a", "-1|a", "1.5|a")),
    ],
)
async def test_refused_selection(query: str, status: int, sentence: str) -> None:
    """What selects among instances is refused in a Nomad's words; the list of names does not look at it."""
    answer = await ask(_with_services(), "GET", f"/v1/service/db?{query}")
    assert answer.status == status
    assert answer.text.startswith(sentence)
    assert (await ask(_with_services(), "GET", f"/v1/services?{query}")).status == 200


@pytest.mark.parametrize(
    ("expression", "ports"),
    [
        ("Port == 9001", [9_001]),
        ('"v1" in Tags', [9_000]),
        ("ServiceName == db", [9_000, 9_001]),
        ("Datacenter == dc2", []),
    ],
)
async def test_filter(expression: str, ports: list[int]) -> None:
    """By the keys of a registration."""
    answer = await ask(_with_services(), "GET", f"/v1/service/db?filter={quote(expression)}")
    assert [one["Port"] for one in answer.json] == ports


@pytest.mark.skipif(not HAS_RE2, reason="needs the extra")
async def test_filter_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A regular expression that has had its time is refused in one sentence."""
    monkeypatch.setattr(regexp, "LISTING_S_MAX", -1.0)
    answer = await ask(_with_services(), "GET", f"/v1/service/db?filter={quote('ServiceName matches d')}")
    assert (answer.status, answer.text) == (400, f"failed to read result page: {regexp.TOO_SLOW}")


def _with_many(count: int) -> FakeView:
    view = FakeView()
    for number in range(count):
        view.catalog.add_remote(f"n{2 + number % 2}", remote_service(f"db{number}", "db", port=9_000 + number))
    return view


@pytest.mark.parametrize("per_page", [1, 2, 3, 7, 8])
@pytest.mark.parametrize("more", ["", "&filter=Port != 9003"])
async def test_pages_have_all_instances_once(per_page: int, more: str) -> None:
    """Each page names where the next begins, the last does not."""
    view = _with_many(7)
    whole = (await ask(view, "GET", f"/v1/service/db?{quote(more, safe='&=')}")).json
    found: list[object] = []
    token = ""
    while True:
        query = f"per_page={per_page}&next_token={token}{quote(more, safe='&=')}"
        answer = await ask(view, "GET", f"/v1/service/db?{query}")
        assert len(answer.json) <= per_page
        found += answer.json
        token = answer.headers.get("x-nomad-nexttoken", "")
        if not token:
            break
        assert token.startswith("default._shoal-")
    assert found == whole


async def test_choice_is_stable() -> None:
    """A key is given the same instances each time, another key others; one that goes changes one of them."""
    view = _with_many(7)

    async def chosen(key: str, count: int = 3) -> list[str]:
        return [one["ID"] for one in (await ask(view, "GET", f"/v1/service/db?choose={count}|{key}")).json]

    assert len(await chosen("a")) == 3
    assert await chosen("a") == await chosen("a")
    assert len({tuple(await chosen(key)) for key in "abcdefgh"}) > 4
    assert len(await chosen("a", 99)) == 7
    assert await chosen("a", 0) == []
    first = await chosen("a")
    for services in view.catalog.remote.values():
        services[:] = [one for one in services if not first[1].endswith(f"-{one.id}")]
    second = await chosen("a")
    assert (len(second), second[:2]) == (3, [first[0], first[2]])


def test_choice_hashes_as_nomad() -> None:
    """Of a registration as Nomad would keep it: SHA-256 over port, ids, namespace, address, name, tags and key."""
    row: dict[str, object] = {
        "ID": "_nomad-task-1", "ServiceName": "db", "Namespace": "default", "NodeID": "n", "Datacenter": "dc1",
        "JobID": "j", "AllocID": "alloc", "Tags": ("a", "b"), "Address": "10.0.0.1", "Port": 9_000,
    }  # fmt: skip
    text = b"\x00\x00\x00\x00\x00\x00\x23\x28" + b"alloc_nomad-task-1default10.0.0.1dbabkey"
    other = {**row, "ID": "_nomad-task-2"}
    first = min((row, other), key=lambda one: sha256(text.replace(b"task-1", str(one["ID"])[-6:].encode())).hexdigest())
    assert Selection(choice=(1, "key")).of([row, other]) == ([first], "")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("query", "shortest_s", "longest_s"),
    [
        ("", 0, 0),
        ("index=0&wait=60s", 0, 0),
        ("index={older}&wait=60s", 0, 0),
        ("index={now}&wait=60000ms", 60, 64),
        ("index={now}", 300, 319),
        ("index={now}&wait=-5s", 300, 319),
        ("index={now}&wait=10m", 300, 319),
        ("index={never}&wait=60s", 0, 0),
    ],
)
async def test_wait(autojump_clock: MockClock, path: str, query: str, shortest_s: float, longest_s: float) -> None:
    """At once without an index, with an older one or with another node's; else after `wait`, five minutes at most."""
    view = _with_services()
    now = int((await ask(view, "GET", path)).headers["x-nomad-index"])
    query = query.format(older=now - 1, now=now, never=view.catalog.newest + 1)
    began = trio.current_time()
    answer = await ask(view, "GET", f"{path}?{query}")
    assert (answer.status, int(answer.headers["x-nomad-index"])) == (200, now)
    assert shortest_s <= trio.current_time() - began <= longest_s


@pytest.mark.parametrize("path", [*PATHS, "/v1/service/new"])
async def test_wait_ends_with_news(autojump_clock: MockClock, path: str) -> None:
    """Also for a service that is not there yet; and the right is asked for again."""
    view = _with_services()
    index = (await ask(view, "GET", path)).headers["x-nomad-index"]
    answers: list[Answer] = []
    began = trio.current_time()

    async def wait(headers: dict[str, str], acl: bool) -> None:
        answers.append(await ask(view, "GET", f"{path}?index={index}&wait=60s", headers, acl=acl))

    secret = token_of(Scope.SERVICE_READ)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, {}, False)
        nursery.start_soon(wait, {"X-Nomad-Token": secret}, True)
        await trio.testing.wait_all_tasks_blocked()
        view.tokens.forget(secret)
        view.catalog.add_remote("n2", remote_service("db9", "db"))
        view.catalog.add_remote("n2", remote_service("new1", "new"))
    assert sorted(answer.status for answer in answers) == [200, 403]
    assert trio.current_time() == began


async def test_name_is_found_by_its_very_letters() -> None:
    """Unlike in Consul's dialect, as in Nomad."""
    view = _with_services()
    view.catalog.add_remote("n2", remote_service("other", "DB"))
    assert [one["ServiceName"] for one in (await ask(view, "GET", "/v1/service/DB")).json] == ["DB"]
    assert (await ask(view, "GET", "/v1/service/Db")).json == []


async def test_right() -> None:
    """With access control lists reading services is a right, and without it nothing is listed."""
    assert (await ask(_with_services(), "GET", "/v1/services", acl=True)).status == 403
    headers = {"X-Nomad-Token": token_of(Scope.SERVICE_READ)}
    assert (await ask(_with_services(), "GET", "/v1/services", headers, acl=True)).status == 200
