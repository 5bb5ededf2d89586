"""Laws of waiting, over the real catalog and both apps: no news is missed, and nobody is asked in a loop."""

from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quart_trio import QuartTrio

from api.consul import listing
from protocol.catalog.check import CheckStatus
from protocol.ulid import format_ulid
from tests.api.asker import Answer, ask_app
from tests.node.agent.stage import AUTHORS, FIRST_INDEX, Stage

N2 = format_ulid(AUTHORS[1].id)
CONSUL_PATHS = (
    *("catalog/nodes?", "catalog/nodes?node-meta=rack:r1&", "catalog/services?", "catalog/services?node-meta=rack:r1&"),
    *("catalog/service/web?", "catalog/service/WEB?tag=a&", "catalog/service/consul?", "catalog/service/Consul?"),
    *("catalog/service/Web?node-meta=rack:r1&", "catalog/node/n2?", "catalog/node/N2?", f"catalog/node/{N2}?"),
    *("catalog/node/n2.eu?", "catalog/node-services/N2?", "health/node/N2?", "health/node/n2?"),
    *("health/checks/web?", "health/checks/WEB?node-meta=rack:r1&", "health/service/web?", "health/service/WEB?"),
    *("health/service/Web?passing&", "health/service/web?node-meta=rack:r1&", "health/state/any?"),
    *("health/state/critical?", "health/state/any?node-meta=rack:r1&", "coordinate/nodes?", "coordinate/node/N2?"),
    *("kv/a?", "event/list?", "config/proxy-defaults/global?"),
)
OTHER_PATHS = ("services?", "service/web?", "service/Web?", "cluster/services?", "cluster/services/web?")
PATHS = (*CONSUL_PATHS, *OTHER_PATHS)

_who = st.sampled_from((1, 0, 2))
_ids = st.sampled_from(("a", "A"))
_names = st.sampled_from(("web", "Web", "WEB", "db"))
_places = st.fixed_dictionaries(
    {}, optional={"rack": st.sampled_from(("r1", "r2")), "dc": st.just("dc2"), "region": st.just("eu")}
)
_acts = st.lists(
    st.one_of(
        st.tuples(st.just("member"), _who, st.sampled_from(("n1", "n2", "N2", "web")), _places),
        st.tuples(st.just("leave"), st.integers(1, 2), st.sampled_from(("n2", "N2"))),
        st.tuples(st.sampled_from(("fail", "forget")), _who),
        st.tuples(st.just("offer"), _who, _ids, _names, st.sampled_from(("a", "b"))),
        st.tuples(st.just("withdraw"), _who, _ids),
        st.tuples(
            st.just("check"), _who, st.sampled_from("xy"), st.sampled_from(CheckStatus), st.one_of(_ids, st.just(""))
        ),
        st.tuples(st.just("stand"), _who, st.floats(0.001, 0.1)),
    ),
    max_size=8,
)

_some_paths = st.lists(st.sampled_from(PATHS), min_size=1, max_size=8, unique=True)


def begun() -> Stage:
    """Return three members, each with a service and a check of it."""
    stage = Stage()
    stage.member(1, "n2", rack="r1", region="eu")
    stage.member(2, "web", rack="r2")
    for who in range(3):
        stage.offer(who, "a", "Web", "a")
        stage.check(who, "x", CheckStatus.PASSING, "a")
    return stage


def act(stage: Stage, step: tuple[Any, ...]) -> None:
    """Apply one of those."""
    kind, *arguments = step
    if kind == "member":
        stage.member(arguments[0], arguments[1], **arguments[2])
    elif kind == "leave":
        stage.member(*arguments, leaves=True)
    else:
        getattr(stage, kind)(*arguments)


def app_of(apps: tuple[QuartTrio, QuartTrio], path: str) -> QuartTrio:
    """Return the app that serves a path."""
    return apps[path in OTHER_PATHS]


def index_in(answer: Answer) -> int:
    """Read an answer's index, in whichever dialect."""
    for name in ("x-consul-index", "x-nomad-index"):
        if name in answer.headers:
            return int(answer.headers[name])
    return int(answer.json["index"])


def shown_in(answer: Answer) -> Any:
    """Return what an answer shows, without its index."""
    shown = answer.json if answer.headers["content-type"] == "application/json" else answer.text
    return {key: value for key, value in shown.items() if key != "index"} if isinstance(shown, dict) else shown


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(_acts, _some_paths)
async def test_answer_changes_only_with_a_larger_index(
    monkeypatch: pytest.MonkeyPatch, acts: list[tuple[Any, ...]], paths: list[str]
) -> None:
    """On each route, so that nobody who waits misses anything; and an index never falls."""
    monkeypatch.setattr(listing, "KEPT_COUNT_MAX", 0)
    stage = begun()
    apps = stage.apps()
    before: dict[str, tuple[int, Any]] = {}
    for step in [("fail", 0), *acts]:
        act(stage, step)
        for path in paths:
            answer = await ask_app(app_of(apps, path), "GET", f"/v1/{path}")
            assert answer.status in (200, 404), (path, answer.text)
            shown, index = shown_in(answer), index_in(answer)
            if path in before:
                assert index >= before[path][0], path
                assert shown == before[path][1] or index > before[path][0], path
            before[path] = (index, shown)
            assert index <= stage.catalog.newest


class Follower:
    """Asks as every client does that waits: with the index of its last answer, and from 0 if that has fallen."""

    def __init__(self, app: QuartTrio, path: str, index: int) -> None:
        self._app = app
        self._path = path
        self._index = index
        self.count = 0
        self.shown: Any = None

    async def follow(self) -> None:
        """Ask for ever."""
        while True:
            answer = await ask_app(self._app, "GET", f"/v1/{self._path}index={self._index}&wait=60s")
            self.count += 1
            self.shown = shown_in(answer)
            index = index_in(answer)
            self._index = 0 if index < self._index else index


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(_acts, st.integers(0, 2**40), _some_paths)
async def test_follower_misses_nothing_and_asks_seldom(
    autojump_clock: trio.testing.MockClock, acts: list[tuple[Any, ...]], index: int, paths: list[str]
) -> None:
    """Whatever index it begins with: at rest it shows what there is, and it asked once a change and twice at first."""
    stage = begun()
    apps = stage.apps()
    followers = [Follower(app_of(apps, path), path, index) for path in paths]
    async with trio.open_nursery() as nursery:
        for follower in followers:
            nursery.start_soon(follower.follow)
        await trio.testing.wait_all_tasks_blocked()
        for step in acts:
            act(stage, step)
            await trio.testing.wait_all_tasks_blocked()
        fresh = stage.apps()
        for path, follower in zip(paths, followers, strict=True):
            answer = await ask_app(app_of(fresh, path), "GET", f"/v1/{path}")
            assert follower.shown == shown_in(answer) or not follower.count, path
            # an act may be two changes, and who began with an index that was never given begins anew
            assert follower.count <= 2 * len(acts) + 3, path
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("path", PATHS)
async def test_follower_at_rest_asks_once_a_wait(path: str, autojump_clock: trio.testing.MockClock) -> None:
    """Ten minutes without news are ten requests of a minute, whatever index the follower begins with."""
    for index in (0, 1, 2, FIRST_INDEX, FIRST_INDEX + 1, FIRST_INDEX + 2, FIRST_INDEX + 3, 2**63, 2**64 - 1):
        stage = begun()
        follower = Follower(app_of(stage.apps(), path), path, index)
        with trio.move_on_after(600):
            await follower.follow()
        assert 9 <= follower.count <= 13, index


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        (("fail", 1), ("member", 1, "n2", {"rack": "r9"}), ("health/state/any?", "catalog/nodes?")),
        (("fail", 0), ("offer", 1, "a", "Web", "b"), ("health/state/any?", "health/checks/web?", "health/node/n2?")),
        (("fail", 0), ("fail", 1), ("health/state/critical?", "catalog/node/n2?", "health/service/web?")),
        (
            ("fail", 0),
            ("member", 1, "n2", {"dc": "dc2"}),
            ("catalog/services?", "health/checks/web?", "health/state/any?", "coordinate/nodes?"),
        ),
        (("fail", 0), ("stand", 1, 0.05), ("coordinate/nodes?", "coordinate/node/N2?")),
    ],
    ids=["returns with other tags", "service with other tags", "fails", "other data centre", "stands elsewhere"],
)
async def test_change_has_an_index_on_each_list_that_shows_it(
    before: tuple[Any, ...], after: tuple[Any, ...], paths: tuple[str, ...]
) -> None:
    """Changes that are shown beside what they are of."""
    stage = begun()
    app = stage.apps()[0]
    act(stage, before)
    first = {path: index_in(await ask_app(app, "GET", f"/v1/{path}")) for path in paths}
    act(stage, after)
    for path in paths:
        assert index_in(await ask_app(app, "GET", f"/v1/{path}")) > first[path], path
