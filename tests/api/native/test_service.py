"""The services of the cluster: listed with counts, and each instance with the checks that decide about it."""

from dataclasses import replace
from typing import Any

import pytest
import trio
from click.testing import CliRunner
from trio.testing import MockClock

from api.catalog_view import Watch
from api.native.service import LIST_WATCHES
from api.service_view import CheckStatus, CheckView, ServiceView
from api.token_view import Scope
from node.cli.root import shoal
from protocol.status import Status
from tests.api.asker import Answer, RawClient, ask, ask_app, make_app, serving
from tests.api.fake_tokens import token_of, token_without
from tests.api.fake_view import FakeView, fake_id

PASSING, WARNING, CRITICAL = CheckStatus.PASSING, CheckStatus.WARNING, CheckStatus.CRITICAL
LIST = "/v1/cluster/services"
WEB = "/v1/cluster/services/web"


def service(id: str, name: str, *tags: str, address: str = "", port: int = 80) -> ServiceView:
    """Make a service."""
    return ServiceView(id, name, tags, address, port, {"v": "1"}, False, (1, 1), {})


def check(id: str, status: CheckStatus, service_id: str = "", output: str = "") -> CheckView:
    """Make a check."""
    return CheckView("", id, f"Check {id}", status, "a note", output, service_id, "", (), "ttl")


@pytest.fixture
def view() -> FakeView:
    """Make a node that knows of services of n2 and n3."""
    view = FakeView()
    catalog = view.catalog
    catalog.remote["n2"] = [
        service("web-1", "web", "v1", "b", address="10.1.1.1"),
        service("web-2", "web", "v2"),
    ]
    catalog.remote_checks["n2"] = [check("c1", WARNING, "web-1", output="slow"), check("c2", PASSING, "web-2")]
    catalog.remote["n3"] = [
        service("a/b c", "a/b c", port=0),
        service("db", "db"),
        service("web-1", "web", "v1"),
    ]
    catalog.remote_checks["n3"] = [
        check("c1", WARNING, "web-1"),
        check("c3", CRITICAL, "web-1", output="down"),
        check("x", CRITICAL, "no"),
    ]
    return view


def listed(answer: Answer) -> dict[str, list[Any]]:
    """Take the counts out of a list."""
    keys = ("instances", "passing", "warning", "critical", "tags")
    return {one["name"]: [one[key] for key in keys] for one in answer.json["services"]}


async def test_services_are_counted_by_their_worst_check(view: FakeView) -> None:
    """Ordered by name, each instance counted once; one without a check passes."""
    answer = await ask(view, "GET", LIST)
    assert answer.json["index"] == 100
    assert list(listed(answer)) == ["a/b c", "db", "web"]
    assert listed(answer) == {
        "a/b c": [1, 1, 0, 0, []],
        "db": [1, 1, 0, 0, []],
        "web": [3, 1, 1, 1, ["b", "v1", "v2"]],
    }


async def test_node_that_fails_has_no_service_that_passes(view: FakeView) -> None:
    """A check of the node itself counts for all its services."""
    view.set_status(3, Status.FAILED)
    assert listed(await ask(view, "GET", LIST))["db"] == [1, 0, 0, 1, []]
    assert (await ask(view, "GET", f"{LIST}/db")).json["instances"][0]["status"] == "critical"


async def test_node_that_left_has_no_service(view: FakeView) -> None:
    """Neither in the list, nor among the instances."""
    view.set_status(3, Status.LEFT)
    assert list(listed(await ask(view, "GET", LIST))) == ["web"]
    assert {one["node"] for one in (await ask(view, "GET", WEB)).json["instances"]} == {"n2"}


async def test_list_shows_each_change(view: FakeView) -> None:
    """The list is kept ready, and made anew once what it shows has changed, whichever of both it was."""
    app = make_app(view)
    first = await ask_app(app, "GET", LIST)
    checks = view.catalog.remote_checks["n2"]
    checks[0] = replace(checks[0], status=CRITICAL)
    assert (await ask_app(app, "GET", LIST)).body == first.body, "nobody said that anything changed"
    view.catalog.touch(Watch("checks"))
    second = await ask_app(app, "GET", LIST)
    assert (second.json["index"], listed(second)["web"][:4]) == (101, [3, 1, 0, 2])
    view.catalog.remote["n2"].append(service("web-3", "web"))
    view.catalog.touch(Watch("services"))
    third = await ask_app(app, "GET", LIST)
    assert (third.json["index"], listed(third)["web"][:4]) == (102, [4, 2, 0, 2])


async def test_instances_come_with_their_checks(view: FakeView) -> None:
    """By node and id; the address is the service's own, or else its node's; checks of other services are not there."""
    answer = await ask(view, "GET", WEB)
    assert set(answer.json) == {"index", "service", "instances"}
    assert answer.json["service"] == "web"
    first, second, third = answer.json["instances"]
    assert first == {
        "node": "n2",
        "node_id": fake_id(2),
        "address": "10.1.1.1",
        "port": 80,
        "id": "web-1",
        "tags": ["v1", "b"],
        "meta": {"v": "1"},
        "status": "warning",
        "checks": [
            {
                "id": id,
                "name": name,
                "status": status,
                "notes": notes,
                "output": output,
                "service_id": service_id,
                "kind": kind,
            }
            for id, name, status, notes, output, service_id, kind in (
                ("serfHealth", "Serf Health Status", "passing", "", "Agent alive and reachable", "", ""),
                ("c1", "Check c1", "warning", "a note", "slow", "web-1", "ttl"),
            )
        ],
    }
    assert (second["node"], second["id"], second["address"], second["status"]) == (
        "n2",
        "web-2",
        "127.0.0.1",
        "passing",
    )
    assert (third["node"], third["address"], third["status"]) == ("n3", "127.0.0.1", "critical")
    assert [one["id"] for one in third["checks"]] == ["serfHealth", "c1", "c3"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["n2/web-1", "n2/web-2", "n3/web-1"]),
        ("tag=v1", ["n2/web-1", "n3/web-1"]),
        ("tag=v1&tag=b", ["n2/web-1"]),
        ("tag=", []),
        ("passing", ["n2/web-2"]),
        ("passing=True", ["n2/web-2"]),
        ("passing=0", ["n2/web-1", "n2/web-2", "n3/web-1"]),
        ("passing=1&tag=v1", []),
    ],
)
async def test_instances_are_filtered(view: FakeView, query: str, expected: list[str]) -> None:
    """All tags must be there, and `passing` takes those whose every check passes."""
    answer = await ask(view, "GET", f"{WEB}?{query}")
    assert [f"{one['node']}/{one['id']}" for one in answer.json["instances"]] == expected


@pytest.mark.parametrize(
    ("path", "name"),
    [("/a%2Fb%20c", "a/b c"), ("/a/b%20c", "a/b c"), ("/nobody", "nobody"), ("/%F0%9F%90%9F", "\U0001f41f")],
)
async def test_service_of_any_name(view: FakeView, path: str, name: str) -> None:
    """Slashes and spaces belong to it; one that is not known has no instance, and an index to wait from."""
    answer = await ask(view, "GET", LIST + path)
    assert (answer.status, answer.json["service"], answer.json["index"]) == (200, name, 100)
    assert len(answer.json["instances"]) == (name == "a/b c")


BAD = ("index=-1", "index=x", "wait=15", "wait=x", "index=1&wait=1h%205m", "pretty&index=%ff")


@pytest.mark.parametrize("target", [f"{path}?{query}" for path in (LIST, WEB) for query in BAD] + [f"{WEB}?passing=x"])
async def test_query_that_cannot_be_read_is_refused(view: FakeView, target: str) -> None:
    """400 with one sentence, in the native words."""
    answer = await ask(view, "GET", target)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_REQUEST")
    assert "\n" not in answer.text


@pytest.mark.parametrize("path", [LIST, WEB])
async def test_pretty_is_indented(view: FakeView, path: str) -> None:
    """The same, with lines."""
    plain, pretty = await ask(view, "GET", path), await ask(view, "GET", f"{path}?pretty")
    assert plain.json == pretty.json
    assert b"\n    " in pretty.body


@pytest.mark.parametrize("path", [LIST, WEB, f"{LIST}/nobody"])
async def test_right_to_read_services(view: FakeView, path: str) -> None:
    """Under access control lists service:read opens it, and nothing else but admin does."""
    assert (await ask(view, "GET", path, acl=True)).status == 401
    for token, status in ((token_of(Scope.SERVICE_READ), 200), (token_without(Scope.SERVICE_READ), 403)):
        answer = await ask(view, "GET", path, {"Authorization": f"Bearer {token}"}, acl=True)
        assert answer.status == status


async def _begin(nursery: trio.Nursery, view: FakeView, target: str) -> list[Answer]:
    """Ask, and return once it waits or has answered."""
    answers: list[Answer] = []

    async def run() -> None:
        answers.append(await ask(view, "GET", target))

    nursery.start_soon(run)
    await trio.testing.wait_all_tasks_blocked()
    return answers


@pytest.mark.parametrize(
    ("path", "news", "others"),
    [
        (LIST, Watch("checks"), (Watch("nodes"), Watch("service", "web"))),
        (LIST, Watch("services"), (Watch("nodes"),)),
        (WEB, Watch("service", "web"), (Watch("services"), Watch("checks"), Watch("service", "db"))),
        (f"{LIST}/later", Watch("service", "later"), (Watch("services"),)),
    ],
)
async def test_answer_waits_for_news(
    view: FakeView, autojump_clock: MockClock, path: str, news: Watch, others: tuple[Watch, ...]
) -> None:
    """Changes of other answers leave it waiting, its own ends it with the index of the change."""
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        answers = await _begin(nursery, view, f"{path}?index=100&wait=60s")
        for other in others:
            view.catalog.touch(other)
        await trio.testing.wait_all_tasks_blocked()
        assert answers == []
        view.catalog.touch(news)
    assert answers[0].json["index"] == view.catalog.index(news)
    assert view.catalog.waiter_count == 0
    assert trio.current_time() == began, "no time has to pass"


@pytest.mark.parametrize(
    ("query", "shortest_s", "longest_s"),
    [
        ("", 0, 0),
        ("index=0&wait=60s", 0, 0),
        ("wait=60s", 0, 0),
        ("index=99&wait=60s", 0, 0),
        ("index=100&wait=60s", 60, 64),
        ("index=100&wait=1500ms", 1.5, 1.6),
        ("index=100", 300, 319),
        ("index=100&wait=0", 300, 319),
        ("index=100&wait=-5s", 300, 319),
        ("index=100&wait=5h", 600, 638),
        ("index=18446744073709551615&wait=2s", 0, 0),
    ],
)
@pytest.mark.parametrize("path", [LIST, WEB])
async def test_answer_without_news_comes_when_its_time_is_up(
    view: FakeView, autojump_clock: MockClock, path: str, query: str, shortest_s: float, longest_s: float
) -> None:
    """At once without an index, with an older one or with another node's; else after `wait` and up to a sixteenth."""
    began = trio.current_time()
    answer = await ask(view, "GET", f"{path}?{query}")
    assert (answer.status, answer.json["index"]) == (200, 100)
    assert shortest_s <= trio.current_time() - began <= longest_s


async def test_instances_by_name_in_any_case(view: FakeView) -> None:
    """Those of the very name if there are some, else those whose names differ in case."""
    assert len((await ask(view, "GET", "/v1/cluster/services/WEB")).json["instances"]) == 3
    view.catalog.remote["n3"].append(service("w", "WEB"))
    assert [one["id"] for one in (await ask(view, "GET", "/v1/cluster/services/WEB")).json["instances"]] == ["w"]
    assert len((await ask(view, "GET", "/v1/cluster/services/web")).json["instances"]) == 3
    assert len((await ask(view, "GET", "/v1/cluster/services/Web")).json["instances"]) == 4


async def test_waiting_answers_leave_room_for_others(view: FakeView) -> None:
    """More of them than may be in service at once, and another request is still answered; news ends them all."""
    async with serving(make_app(view)) as address:
        clients = [await RawClient.connect(address) for _ in range(80)]
        for client in clients:
            await client.send(b"GET %b?index=100 HTTP/1.1\r\nHost: localhost\r\n\r\n" % WEB.encode())
        with trio.fail_after(20):
            while view.catalog.waiter_count < len(clients):
                await trio.sleep(0.01)
            assert (await (await RawClient.connect(address)).ask("GET", LIST)).status == 200
            view.catalog.touch(Watch("service", "web"))
            for client in clients:
                assert (await client.read_answer()).json["index"] == 101
                await client.stream.aclose()


async def test_command_reads_what_the_routes_answer(view: FakeView, monkeypatch: pytest.MonkeyPatch) -> None:
    """`shoal services` and the routes agree; --watch waits at the agent and shows the change."""
    monkeypatch.setattr("node.cli.link.default_data_dir", lambda: None)
    ends = iter([False, True])

    def pause(_: float) -> None:
        if next(ends):
            raise KeyboardInterrupt

    monkeypatch.setattr("node.cli.services.sleep", pause)

    async with serving(make_app(view)) as address:

        async def run(*words: str) -> list[str]:
            words = ("services", *words, "--http", str(address))
            result = await trio.to_thread.run_sync(lambda: CliRunner().invoke(shoal, words))
            assert result.stderr == ""
            return result.stdout.splitlines()

        async def change_once_waited_for() -> None:
            with trio.fail_after(20):
                while view.catalog.waiter_count < len(LIST_WATCHES):
                    await trio.sleep(0.01)
            view.catalog.remote_checks["n2"][0] = check("c1", PASSING, "web-1")
            view.catalog.touch(Watch("checks"))

        assert (await run())[-1].split() == ["web", "3", "1", "1", "1", "b,v1,v2"]
        assert [line.split()[0] for line in await run("web", "--tag", "v1")] == ["Node", "n2", "n3"]
        assert (await run("a/b c"))[1].split() == ["n3", "127.0.0.1", "a/b", "c", "passing"]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(change_once_waited_for)
            lines = await run("--watch")
    assert [line[10:] for line in lines[2:]] == [
        "web  3 instances  1 passing  1 warning  1 critical  b,v1,v2",
        "web  3 instances  2 passing  0 warning  1 critical  b,v1,v2",
    ]
