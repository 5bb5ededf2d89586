"""Web pages: what changes something is refused to them, however they ask; what reads is not."""

import pytest

from tests.api.asker import ADMIN, ask, ask_consul
from tests.api.fake_view import FakeView

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0"
CHANGING_GETS = (
    "/v1/agent/%6aoin/10.0.0.9:7946",
    "/%76%31/agent/join/10.0.0.9:7946",
    "http://127.0.0.1:4646/v1/agent/join/10.0.0.9:7946",
    "/v1/agent/join/10.0.0.9:7946",
    "/v1/agent/force-leave/n2",
    "/v1/agent/force-leave/n2?prune",
    "/v1/agent/service/deregister/web",
    "/v1/agent/check/deregister/web",
    "/v1/agent/check/pass/web",
    "/v1/agent/check/warn/web",
    "/v1/agent/check/fail/web",
)
PAGES = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Referer": "http://127.0.0.1:4646/ui/"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "same-origin, cross-site"},
    {"Referer": "http://evil.example/"},
    {"Referer": "http://127.0.0.1:4646.evil.example/"},
    {"Referer": "http://127.0.0.1:4647/"},
    {"Referer": ""},
    {"User-Agent": BROWSER},
    {"User-Agent": BROWSER, "Referer": "http://127.0.0.1:4646/"},
)
PROGRAMS: tuple[dict[str, str], ...] = (
    {},
    {"User-Agent": "python-requests/2.32"},
    {"User-Agent": "curl/8.5.0"},
    {"Referer": "http://127.0.0.1:4646/ui/"},
    {"Sec-Fetch-Site": "same-origin", "User-Agent": BROWSER},
    {"Sec-Fetch-Site": "none", "User-Agent": BROWSER},
    {"Origin": "http://127.0.0.1:4646", "User-Agent": BROWSER},
)


@pytest.mark.parametrize("headers", PAGES)
@pytest.mark.parametrize("path", CHANGING_GETS)
async def test_page_changes_nothing_by_get(path: str, headers: dict[str, str]) -> None:
    """An image or a link of another site that names a changing route is refused before the route."""
    view = FakeView()
    answer = await ask_consul(view, "GET", path, headers=headers)
    assert answer.status == 403
    assert "changes nothing here" in answer.text
    assert view.calls == []


@pytest.mark.parametrize("headers", PAGES)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/agent/join?address=10.0.0.9"),
        ("PUT", "/v1/agent/force-leave?node=n2"),
        ("POST", "/v1/peers"),
        ("DELETE", "/v1/peers/self"),
        ("POST", "/v1/cluster/leave"),
        ("PUT", "/v1/cluster/tags"),
    ],
)
async def test_page_changes_nothing_by_other_methods(method: str, path: str, headers: dict[str, str]) -> None:
    """Also on the other listener, and also with a token."""
    view = FakeView()
    answer = await ask(view, method, path, {**ADMIN, **headers}, b"{}")
    assert answer.status == 403
    assert view.calls == []


@pytest.mark.parametrize("headers", PROGRAMS)
async def test_program_changes_by_get_as_ever(headers: dict[str, str]) -> None:
    """Old clients, this API's own pages, and a person who typed the address."""
    view = FakeView()
    assert (await ask_consul(view, "GET", "/v1/agent/join/127.0.0.1", headers=headers)).status == 200
    assert view.calls != []


@pytest.mark.parametrize("headers", [*PAGES, *PROGRAMS])
async def test_reading_is_open_to_a_browser(headers: dict[str, str]) -> None:
    """A read changes nothing, and its answer cannot be read by a page of another origin."""
    for path in ("/v1/agent/members", "/v1/catalog/services", "/livez", "/metrics"):
        assert (await ask_consul(FakeView(), "GET", path, headers=headers)).status == 200


@pytest.mark.parametrize("path", ["/%2fv1/agent/join/127.0.0.1", "/%2F%2fv1/agent/force-leave/n2"])
async def test_encoded_slash_in_front_reaches_no_route(path: str) -> None:
    """The router would pass over it, and so take for a change what this does not."""
    view = FakeView()
    assert (await ask_consul(view, "GET", path)).status == 404
    assert view.calls == []


@pytest.mark.parametrize(("target", "status"), [("http://localhost/livez", 200), ("http://evil.example/livez", 403)])
async def test_host_of_the_target_counts(target: str, status: int) -> None:
    """Where a target names a host, that is the one that was asked."""
    assert (await ask(FakeView(), "GET", target)).status == status
