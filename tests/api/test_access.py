"""Every route of every app with every method: which right it takes, and what those without it are told."""

import re
from collections.abc import Callable

import pytest
from quart_trio import QuartTrio
from werkzeug.datastructures import Headers

from api.access import TOKEN_LENGTH_MAX, bearer_token, consul_header_token, consul_token, nomad_token
from api.token_view import Scope
from protocol.error import InvalidRequest
from tests.api.asker import ADMIN, Answer, ask, ask_app, ask_consul, make_app, make_consul_app
from tests.api.fake_catalog import remote_service
from tests.api.fake_tokens import ADMIN_TOKEN, WEAK_TOKEN, token_of, token_without
from tests.api.fake_view import FakeView

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
UNKNOWN = "shoal-nobody-has-this-one"

OPEN = None
"""Asks for no right, with access control lists or without."""

ROUTES: dict[str, dict[str, Scope | None]] = {
    "/v1/agent/self": {"GET": Scope.AGENT_READ},
    "/v1/agent/members": {"GET": Scope.NODE_READ},
    "/v1/agent/servers": {"GET": Scope.AGENT_READ, "PUT": Scope.AGENT_WRITE, "POST": Scope.AGENT_WRITE},
    "/v1/agent/join": {"PUT": OPEN, "POST": OPEN},
    "/v1/agent/force-leave": {"PUT": Scope.AGENT_WRITE, "POST": Scope.AGENT_WRITE},
    "/v1/agent/health": {"GET": OPEN},
    "/v1/status/leader": {"GET": OPEN},
    "/v1/status/peers": {"GET": OPEN},
    "/v1/regions": {"GET": OPEN},
    "/v1/metrics": {"GET": Scope.AGENT_READ},
    "/v1/services": {"GET": Scope.SERVICE_READ},
    "/v1/service/": {"GET": Scope.SERVICE_READ},
    "/v1/service/<path:name>": {"GET": Scope.SERVICE_READ},
    "/v1/cluster/identity": {"GET": OPEN},
    "/v1/cluster/members": {"GET": Scope.NODE_READ},
    "/v1/cluster/explain/<path:node>": {"GET": Scope.NODE_READ},
    "/v1/cluster/events": {"GET": Scope.NODE_READ},
    "/v1/cluster/leave": {"POST": Scope.ADMIN},
    "/v1/cluster/tags": {"PUT": Scope.ADMIN},
    "/v1/cluster/keys": {"GET": Scope.ADMIN, "POST": Scope.ADMIN},
    "/v1/cluster/keys/<key_id>/use": {"POST": Scope.ADMIN},
    "/v1/cluster/keys/<key_id>/retire": {"POST": Scope.ADMIN},
    "/v1/cluster/keys/rotate": {"POST": Scope.ADMIN},
    "/v1/cluster/revocations": {"GET": Scope.NODE_READ, "POST": Scope.ADMIN},
    "/v1/cluster/license": {"GET": Scope.NODE_READ, "PUT": Scope.ADMIN},
    "/v1/cluster/tokens": {"GET": Scope.ADMIN, "POST": Scope.ADMIN},
    "/v1/cluster/tokens/<token_id>": {"DELETE": Scope.ADMIN},
    "/v1/cluster/services": {"GET": Scope.SERVICE_READ},
    "/v1/cluster/services/<path:name>": {"GET": Scope.SERVICE_READ},
    "/v1/peers": {"GET": Scope.PEERS_READ, "POST": Scope.PEERS_WRITE},
    "/v1/peers/self": {"DELETE": Scope.ADMIN},
    "/v1/peers/<path:peer_id>": {"GET": Scope.PEERS_READ, "PUT": Scope.PEERS_WRITE, "DELETE": Scope.PEERS_WRITE},
    "/livez": {"GET": OPEN},
    "/readyz": {"GET": OPEN},
    "/metrics": {"GET": Scope.NODE_READ},
}

NATIVE_ROUTES = {
    rule: methods
    for rule, methods in ROUTES.items()
    if rule.startswith(("/v1/cluster/", "/livez", "/readyz", "/metrics"))
}

CONSUL_ROUTES: dict[str, dict[str, Scope | None]] = {
    "/": dict.fromkeys(("GET", "PUT", "POST", "DELETE"), OPEN),
    "/v1/agent/self": {"GET": Scope.AGENT_READ},
    "/v1/agent/members": {"GET": Scope.NODE_READ},
    "/v1/agent/services": {"GET": Scope.SERVICE_READ},
    "/v1/agent/checks": {"GET": Scope.SERVICE_READ},
    "/v1/agent/metrics": {"GET": Scope.AGENT_READ},
    "/v1/agent/host": {"GET": Scope.AGENT_READ},
    "/v1/agent/health/service/id/<rest:service_id>": {"GET": Scope.SERVICE_READ},
    "/v1/agent/health/service/name/<rest:name>": {"GET": Scope.SERVICE_READ},
    "/v1/agent/monitor": {"GET": Scope.AGENT_READ},
    "/v1/agent/leave": {"PUT": Scope.ADMIN},
    "/v1/agent/reload": {"PUT": Scope.AGENT_WRITE},
    "/v1/agent/token/<rest:kind>": {"PUT": Scope.AGENT_WRITE},
    "/v1/agent/join/<rest:address>": {"GET": Scope.AGENT_WRITE, "PUT": Scope.AGENT_WRITE},
    "/v1/agent/force-leave/<rest:node>": {"GET": Scope.AGENT_WRITE, "PUT": Scope.AGENT_WRITE},
    "/v1/agent/maintenance": {"PUT": Scope.AGENT_WRITE},
    "/v1/agent/service/<rest_of_service:service_id>": {"GET": Scope.SERVICE_READ},
    "/v1/agent/service/register": {"PUT": Scope.SERVICE_WRITE},
    "/v1/agent/service/deregister/<rest:service_id>": {"GET": Scope.SERVICE_WRITE, "PUT": Scope.SERVICE_WRITE},
    "/v1/agent/service/maintenance/<rest:service_id>": {"PUT": Scope.SERVICE_WRITE},
    "/v1/agent/check/register": {"PUT": Scope.SERVICE_WRITE},
    "/v1/agent/check/deregister/<rest:check_id>": {"GET": Scope.SERVICE_WRITE, "PUT": Scope.SERVICE_WRITE},
    "/v1/agent/check/pass/<rest:check_id>": {"GET": Scope.SERVICE_WRITE, "PUT": Scope.SERVICE_WRITE},
    "/v1/agent/check/warn/<rest:check_id>": {"GET": Scope.SERVICE_WRITE, "PUT": Scope.SERVICE_WRITE},
    "/v1/agent/check/fail/<rest:check_id>": {"GET": Scope.SERVICE_WRITE, "PUT": Scope.SERVICE_WRITE},
    "/v1/agent/check/update/<rest:check_id>": {"PUT": Scope.SERVICE_WRITE},
    "/v1/catalog/datacenters": {"GET": OPEN},
    "/v1/catalog/nodes": {"GET": Scope.NODE_READ},
    "/v1/catalog/services": {"GET": Scope.SERVICE_READ},
    "/v1/catalog/service/<rest:name>": {"GET": Scope.SERVICE_READ},
    "/v1/catalog/node/<rest:name>": {"GET": Scope.NODE_READ},
    "/v1/catalog/node-services/<rest:name>": {"GET": Scope.NODE_READ},
    "/v1/catalog/connect/<rest:name>": {"GET": Scope.SERVICE_READ},
    "/v1/catalog/gateway-services/<rest:name>": {"GET": Scope.SERVICE_READ},
    "/v1/catalog/register": {"PUT": Scope.SERVICE_WRITE},
    "/v1/catalog/deregister": {"PUT": Scope.SERVICE_WRITE},
    "/v1/health/node/<rest:name>": {"GET": Scope.SERVICE_READ},
    "/v1/health/checks/<rest:name>": {"GET": Scope.SERVICE_READ},
    "/v1/health/service/<rest:name>": {"GET": Scope.SERVICE_READ},
    "/v1/health/state/<rest:state>": {"GET": Scope.SERVICE_READ},
    "/v1/health/connect/<rest:name>": {"GET": Scope.SERVICE_READ},
    "/v1/health/ingress/<rest:name>": {"GET": Scope.SERVICE_READ},
    "/v1/coordinate/datacenters": {"GET": Scope.NODE_READ},
    "/v1/coordinate/nodes": {"GET": Scope.NODE_READ},
    "/v1/coordinate/node/<rest:name>": {"GET": Scope.NODE_READ},
    "/v1/kv/<rest:key>": {"GET": OPEN, "PUT": OPEN, "DELETE": OPEN},
    "/v1/txn": {"PUT": OPEN},
    "/v1/agent/connect/authorize": {"POST": OPEN},
    "/v1/agent/connect/ca/leaf/<rest:name>": {"GET": OPEN},
    "/v1/agent/connect/ca/roots": {"GET": OPEN},
    "/v1/connect/ca/configuration": {"GET": OPEN, "PUT": OPEN},
    "/v1/connect/ca/roots": {"GET": OPEN},
    "/v1/discovery-chain/<rest:name>": {"GET": OPEN, "POST": OPEN},
    "/v1/event/list": {"GET": OPEN},
    "/v1/event/fire/<rest:name>": {"PUT": OPEN},
    "/v1/session/list": {"GET": OPEN},
    "/v1/session/node/<rest:node>": {"GET": OPEN},
    "/v1/session/info/<rest:id>": {"GET": OPEN},
    "/v1/session/create": {"PUT": OPEN},
    "/v1/session/destroy/<rest:id>": {"PUT": OPEN},
    "/v1/session/renew/<rest:id>": {"PUT": OPEN},
    "/v1/query": {"GET": OPEN, "POST": OPEN},
    "/v1/query/<rest:id>": {"GET": OPEN, "PUT": OPEN, "DELETE": OPEN},
    "/v1/config": {"PUT": OPEN},
    "/v1/config/<rest:entry>": {"GET": OPEN, "DELETE": OPEN},
    "/v1/connect/intentions": {"GET": OPEN, "POST": OPEN},
    "/v1/acl/<rest:rest>": {"GET": OPEN, "PUT": OPEN, "DELETE": OPEN, "POST": OPEN},
    "/v1/status/leader": {"GET": OPEN},
    "/v1/status/peers": {"GET": OPEN},
    **NATIVE_ROUTES,
}

FILTERED = {
    rule
    for rule, methods in CONSUL_ROUTES.items()
    if rule in ("/v1/agent/members", "/v1/agent/services", "/v1/agent/checks")
    or (rule.startswith(("/v1/catalog/", "/v1/health/", "/v1/coordinate/")) and "GET" in methods)
}
"""Lists of Consul's dialect: whoever may not see them is answered as if there were nothing on them."""

BEHIND = {"/v1/peers/self": {"GET", "PUT"}}
"""Methods that a wider rule serves for a path."""


async def _reload() -> None:
    """Read nothing again."""


APPS: dict[str, tuple[Callable[[FakeView, bool], QuartTrio], dict[str, dict[str, Scope | None]]]] = {
    "http": (lambda view, acl: make_app(view, acl=acl), ROUTES),
    "consul": (lambda view, acl: make_consul_app(view, acl, reload=_reload), CONSUL_ROUTES),
}
"""What makes each app, and its routes."""

CASES = [(name, rule) for name, (_, routes) in APPS.items() for rule in routes]

ALWAYS_ASKED = {Scope.ADMIN, Scope.PEERS_READ, Scope.PEERS_WRITE}

ARGUMENTS = {
    "/v1/agent/servers": "?address=127.0.0.1",
    "/v1/agent/force-leave": "?node=n2",
    "/v1/agent/maintenance": "?enable=true",
    "/v1/agent/service/maintenance/<rest:service_id>": "?enable=true",
    "/v1/agent/monitor": "?loglevel=none",
}
"""What a route must be given to come as far as the right, to be of any effect, or to come to an end."""

CONSUL_FAILURES = (
    "Connect must be enabled",
    *("does not have associated TTL", "Failed to join", "ACL support disabled"),
    *("UUID must be 36 characters", "invalid config entry kind"),
)
"""What Consul's dialect says with 500 or 401 to somebody who has the right."""


def concrete(rule: str, segment: str) -> str:
    """Put a segment in the place of a rule's parameters."""
    return re.sub(r"<[^>]+>", lambda _: segment, rule)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _ask(app: QuartTrio, method: str, rule: str, headers: dict[str, str]) -> Answer:
    target = concrete(rule, "nobody") + ARGUMENTS.get(rule, "")
    if "events" in rule and method == "GET":  # a stream without end: its head says enough
        method = "HEAD"
    return await ask_app(app, method, target, headers)


def _is_allowed(answer: Answer) -> bool:
    if any(sentence in answer.text for sentence in CONSUL_FAILURES):
        return answer.status in (401, 500)
    return answer.status in (200, 201, 400, 404, 409)


@pytest.mark.parametrize("name", APPS)
def test_access_table_is_complete(name: str) -> None:
    """The table names every route and method that an app has, and no other."""
    build, routes = APPS[name]
    found: dict[str, set[str]] = {}
    for rule in build(FakeView(), False).url_map.iter_rules():
        found.setdefault(rule.rule, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    assert found == {rule: set(methods) for rule, methods in routes.items()}


@pytest.mark.parametrize("acl", [False, True], ids=["open", "acl"])
@pytest.mark.parametrize(("name", "rule"), CASES)
async def test_access_wrong_method_comes_before_the_right(name: str, rule: str, acl: bool) -> None:
    """A method that a route has not is 405 for everybody, and the answer names those that it has."""
    build, routes = APPS[name]
    for method in set(METHODS) - set(routes[rule]) - BEHIND.get(rule, set()):
        answer = await _ask(build(FakeView(), acl), method, rule, {})
        assert answer.status == 405
        is_consul = name == "consul" and rule not in NATIVE_ROUTES
        assert (f"method {method} not allowed" if is_consul else "Invalid method") in answer.text
        assert set(routes[rule]) <= set(re.split(", *", answer.headers["allow"]))


@pytest.mark.parametrize("acl", [False, True], ids=["open", "acl"])
@pytest.mark.parametrize(("name", "rule"), CASES)
async def test_access_asks_for_the_scope_of_the_table(name: str, rule: str, acl: bool) -> None:
    """Where a right is asked for, that scope and admin pass; no token, an unknown one, and all other scopes do not."""
    build, routes = APPS[name]
    for method, scope in routes[rule].items():
        view = FakeView()
        app = build(view, acl)
        is_asked = scope is not None and (acl or scope in ALWAYS_ASKED)
        refused = {"missing": "", "unknown": UNKNOWN, "none": WEAK_TOKEN}
        if scope is not None:
            refused |= {other.value: token_of(other) for other in Scope if other not in (scope, Scope.ADMIN)}
            refused["all but it"] = token_without(scope)
        for case, token in refused.items():
            answer = await _ask(app, method, rule, _bearer(token) if token else {})
            if is_asked:
                _check_refusal(name, rule, method, case, answer)
                assert view.calls == [], case
            else:
                assert _is_allowed(answer), (method, case)
        assert is_asked or view.tokens.asked == [], "a token is not looked at where none is asked for"
        for token in (ADMIN_TOKEN, *([token_of(scope)] if scope else [])):
            assert _is_allowed(await _ask(app, method, rule, _bearer(token))), (method, token)


def _check_refusal(name: str, rule: str, method: str, case: str, answer: Answer) -> None:
    """A refusal is in its dialect's words, whatever there is or is not behind the route."""
    if name == "consul" and rule in FILTERED and case != "unknown":
        if rule == "/v1/coordinate/node/<rest:name>":  # as of a node that is unknown
            assert (answer.status, answer.body) == (404, b"")
            return
        assert answer.status == 200
        assert not answer.json or answer.json == {"Node": None, "Services": None}
        return
    if rule not in NATIVE_ROUTES and not rule.startswith("/v1/peers"):
        unknown = "ACL not found" if name == "consul" else "ACL token not found"
        sentence = unknown if case == "unknown" else "Permission denied"
        assert (answer.status, answer.text) == (403, sentence), (method, case)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        return
    status, code = (401, "UNAUTHORIZED") if case in ("missing", "unknown") else (403, "FORBIDDEN")
    assert answer.status == status, (method, case)
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    if answer.body:  # the answer to a HEAD has none
        assert answer.json["code"] == code
        assert set(answer.json) == {"error", "code"}


async def test_access_servers_arguments_come_before_the_right() -> None:
    """A Nomad looks at the addresses of new servers first, and at the right then; elsewhere the right comes first."""
    view = FakeView()
    answer = await ask(view, "PUT", "/v1/agent/servers", acl=True)
    assert (answer.status, answer.text) == (400, "missing server address")
    answer = await ask(view, "PUT", "/v1/agent/force-leave", acl=True)
    assert (answer.status, answer.text) == (403, "Permission denied")
    answer = await ask(view, "GET", "/v1/agent/members?wait=x", acl=True)
    assert (answer.status, answer.text) == (403, "Permission denied")


@pytest.mark.parametrize(("token", "status"), [("", 401), (UNKNOWN, 401), (WEAK_TOKEN, 403)])
@pytest.mark.parametrize("known", ["n2", "nobody"])
async def test_access_right_comes_before_existence(known: str, token: str, status: int) -> None:
    """Who may not read a member is not told whether there is one of that name."""
    headers = _bearer(token) if token else {}
    answer = await ask(FakeView(), "GET", f"/v1/cluster/explain/{known}", headers, acl=True)
    assert answer.status == status
    assert known not in answer.text


@pytest.mark.parametrize("token", ["x" * (TOKEN_LENGTH_MAX + 1), "t\u00f6ken"])
async def test_access_token_that_nobody_can_have_is_unknown(token: str) -> None:
    """A token that is too long, or not ASCII, is unknown without being looked up."""
    view = FakeView()
    answer = await ask(view, "POST", "/v1/cluster/leave", _bearer(token))
    assert (answer.status, answer.json["code"]) == (401, "UNAUTHORIZED")
    assert view.calls == []
    assert view.tokens.asked == []


async def test_access_refusal_does_not_repeat_the_token() -> None:
    """No refusal says what was sent."""
    for acl in (False, True):
        for target in ("/v1/cluster/keys", "/v1/agent/self", "/v1/cluster/members"):
            for token in (UNKNOWN, WEAK_TOKEN):
                answer = await ask(FakeView(), "GET", target, _bearer(token), acl=acl)
                assert token not in answer.text + str(answer.headers)


async def test_access_no_token_from_query() -> None:
    """A token in the query counts for nothing: queries end up in logs."""
    answer = await ask(FakeView(), "POST", f"/v1/cluster/leave?token={ADMIN_TOKEN}")
    assert answer.status == 401
    answer = await ask(FakeView(), "GET", f"/v1/agent/self?token={ADMIN_TOKEN}", acl=True)
    assert answer.status == 403


async def test_access_nomad_header_opens_admin_route() -> None:
    """The dialect's own header carries the admin token too."""
    answer = await ask(FakeView(), "GET", "/v1/cluster/keys", {"X-Nomad-Token": f" {ADMIN_TOKEN} "})
    assert answer.status == 200
    assert (await ask(FakeView(), "GET", "/v1/cluster/keys", ADMIN)).status == 200


async def test_access_consul_reads_its_own_places() -> None:
    """Consul's dialect takes the token from the query, from X-Consul-Token and from Authorization."""
    for target, headers in (
        (f"/v1/agent/self?token={ADMIN_TOKEN}", {}),
        ("/v1/agent/self", {"X-Consul-Token": ADMIN_TOKEN}),
        ("/v1/agent/self", ADMIN),
    ):
        assert (await ask_consul(FakeView(), "GET", target, headers=headers, acl=True)).status == 200
    headers = {"X-Nomad-Token": ADMIN_TOKEN}
    assert (await ask_consul(FakeView(), "GET", "/v1/agent/self", headers=headers, acl=True)).status == 403


@pytest.mark.parametrize("rule", NATIVE_ROUTES)
async def test_access_consul_query_opens_no_native_route(rule: str) -> None:
    """On Consul's listener `?token=` is for Consul's own routes: elsewhere an admin's there is as good as none."""
    for method, scope in NATIVE_ROUTES[rule].items():
        view = FakeView()
        target = concrete(rule, "nobody") + f"?token={ADMIN_TOKEN}"
        asked_as = "HEAD" if "events" in rule else method
        answer = await ask_app(make_consul_app(view, acl=True), asked_as, target)
        assert view.tokens.asked == [], "nor is it looked up"
        assert view.calls == []
        if scope is not OPEN:
            assert answer.status == 401
        answer = await ask_app(make_consul_app(view, acl=True), asked_as, target, {"X-Consul-Token": ADMIN_TOKEN})
        assert _is_allowed(answer), "the header counts"


async def test_access_consul_leave_takes_admin() -> None:
    """Without access control lists too: what ends a node is no more open in one dialect than in the other."""
    view = FakeView()
    answer = await ask_consul(view, "PUT", "/v1/agent/leave")
    assert (answer.status, answer.text, view.calls) == (403, "Permission denied", [])
    answer = await ask_consul(view, "PUT", f"/v1/agent/leave?token={ADMIN_TOKEN}")
    assert (answer.status, view.calls) == (200, [("leave", False)])


@pytest.mark.parametrize("token", ["", WEAK_TOKEN])
async def test_access_consul_filtered_list_has_its_index(token: str) -> None:
    """A list that is not shown is a list all the same: it has an index, and clients can wait for it."""
    view = FakeView()
    view.catalog.add_remote("n2", remote_service("db"))
    headers = _bearer(token) if token else {}
    answer = await ask_consul(view, "GET", "/v1/catalog/service/db", headers=headers, acl=True)
    assert (answer.status, answer.json) == (200, [])
    assert int(answer.headers["x-consul-index"]) > 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [("Bearer T", "T"), ("bEaReR  T more", "T"), ("Basic T", ""), ("Bearer", ""), ("", ""), ("T", "")],
)
def test_bearer_token_read(value: str, expected: str) -> None:
    """The scheme is read in any case, and the first word after it is the token."""
    assert bearer_token(Headers({"Authorization": value})) == expected
    assert bearer_token(Headers({"Authorization": value}), b"token=Q") == expected


def test_nomad_token_goes_first() -> None:
    """X-Nomad-Token wins over Authorization; one of blanks alone is none, and the query counts for nothing."""
    assert nomad_token(Headers({"X-Nomad-Token": " a ", "Authorization": "Bearer b"})) == "a"
    assert nomad_token(Headers({"X-Nomad-Token": "  ", "Authorization": "Bearer b"})) == "b"
    assert nomad_token(Headers(), b"token=Q") == ""


def test_consul_headers_alone() -> None:
    """For what is no route of Consul's: X-Consul-Token, then Authorization, and never the query."""
    headers = Headers({"X-Consul-Token": " a ", "Authorization": "Bearer b"})
    assert consul_header_token(headers, b"token=q") == "a"
    assert consul_header_token(Headers({"Authorization": "Bearer b"}), b"token=q") == "b"
    assert consul_header_token(Headers(), b"token=q") == ""


def test_consul_token_order() -> None:
    """The query goes first, then X-Consul-Token, then Authorization; an empty one is none."""
    headers = Headers({"X-Consul-Token": " a ", "Authorization": "Bearer b"})
    assert consul_token(headers, b"dc=x&token=q%2Br&token=s") == "q+r"
    assert consul_token(headers, b"token=") == "a"
    assert consul_token(headers) == "a"
    assert consul_token(Headers({"X-Consul-Token": "  ", "Authorization": "Bearer b"}), b"token") == "b"
    assert consul_token(Headers({"X-Nomad-Token": "n"})) == ""
    with pytest.raises(InvalidRequest):
        consul_token(headers, b"token=%ff")
