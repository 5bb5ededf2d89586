"""Services of the node: registered in every spelling, listed, deregistered."""

from functools import reduce
from operator import getitem
from typing import Any

import pytest

from api.service_view import CheckDefinition, ServiceDefinition
from tests.api.asker import ADMIN, ask_consul
from tests.api.fake_tokens import ADMIN_ID, ADMIN_TOKEN
from tests.api.fake_view import FakeView

REGISTER = "/v1/agent/service/register"

PAGE_BODY = {
    "ID": "redis1",
    "Name": "redis",
    "Tags": ["master", "v1"],
    "Address": "127.0.0.1",
    "Port": 8000,
    "EnableTagOverride": False,
    "Check": {
        "DeregisterCriticalServiceAfter": "90m",
        "Script": "/usr/local/bin/check_redis.py",
        "HTTP": "http://localhost:5000/health",
        "Interval": "10s",
        "TTL": "15s",
    },
}


async def test_register_example_of_the_page() -> None:
    """The page's own example is accepted: of its kinds of check the TTL counts."""
    view = FakeView()
    answer = await ask_consul(view, "PUT", REGISTER, PAGE_BODY)
    assert (answer.status, answer.body) == (200, b"")
    check = CheckDefinition(ttl_s=15, deregister_after_s=5_400)
    wanted = ServiceDefinition("redis1", "redis", ("master", "v1"), "127.0.0.1", 8_000, checks=(check,))
    assert view.calls == [("register_service", wanted, False)]


async def test_register_then_list() -> None:
    """What is registered is listed at once, by id, with empty things written as such."""
    view = FakeView()
    await ask_consul(view, "PUT", REGISTER, {"Name": "web"})
    assert (await ask_consul(view, "GET", "/v1/agent/services")).json == {
        "web": {
            "ID": "web",
            "Service": "web",
            "Tags": [],
            "Meta": {},
            "Port": 0,
            "Address": "",
            "Weights": {"Passing": 1, "Warning": 1},
            "EnableTagOverride": False,
        }
    }


@pytest.mark.parametrize(
    ("path", "steps", "key"),
    [
        ("/v1/agent/services", ("web",), "TaggedAddresses"),
        ("/v1/agent/service/web", (), "TaggedAddresses"),
        ("/v1/catalog/service/web", (0,), "ServiceTaggedAddresses"),
        ("/v1/catalog/node/n1", ("Services", "web"), "TaggedAddresses"),
        ("/v1/health/service/web", (0, "Service"), "TaggedAddresses"),
    ],
)
async def test_registered_tagged_addresses_are_shown(path: str, steps: tuple[Any, ...], key: str) -> None:
    """Wherever a service is, its addresses from elsewhere are, and no empty ones; a filter can ask for them."""
    view = FakeView()

    async def shown() -> Any:
        return reduce(getitem, steps, (await ask_consul(view, "GET", path)).json)

    await ask_consul(view, "PUT", REGISTER, {"Name": "web"})
    assert key not in await shown()
    where = {"lan": {"Address": "10.0.0.1", "Port": 80}, "wan": {"Address": "198.18.0.1", "Port": 0}}
    await ask_consul(view, "PUT", REGISTER, {"Name": "web", "TaggedAddresses": where})
    assert (await shown())[key] == where
    filtered = await ask_consul(view, "GET", "/v1/agent/services?filter=TaggedAddresses.lan.Port%20==%2080")
    assert set(filtered.json) == {"web"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "web", "id": "w", "port": 80, "enabletagoverride": True, "check": {"ttl": "10s"}},
        {"NAME": "web", "ID": "w", "PORT": 80.0, "enable_tag_override": True, "checks": [{"TTL": 10_000_000_000}]},
        {"Name": "web", "Id": "w", "Port": 80, "EnableTagOverride": True, "Check": {"Ttl": "10s"}, "Tags": None},
        {"Name": "web", "ID": "w", "Port": 80, "EnableTagOverride": True, "Check": {"TTL": "10s"}, "Kind": "x", "a": 1},
        {
            "Name": "web",
            "ID": "w",
            "Port": 80,
            "EnableTagOverride": True,
            "Address": None,
            "Token": None,
            "Check": {"TTL": "10s", "Interval": None, "HTTP": None, "Args": None},
            "Checks": None,
        },
    ],
)
async def test_register_spellings(body: dict[str, object]) -> None:
    """Keys in any case, numbers for durations, null for what is absent, keys that nobody knows: all the same."""
    view = FakeView()
    assert (await ask_consul(view, "PUT", REGISTER, body)).status == 200
    wanted = ServiceDefinition("w", "web", (), "", 80, enable_tag_override=True, checks=(CheckDefinition(ttl_s=10),))
    assert view.calls == [("register_service", wanted, False)]


@pytest.mark.parametrize("content_type", [None, "application/json", "application/x-www-form-urlencoded", "text/plain"])
async def test_register_content_type_says_nothing(content_type: str | None) -> None:
    """Clients send JSON under any name, and under none."""
    view = FakeView()
    headers = {"Content-Type": content_type} if content_type else {}
    assert (await ask_consul(view, "PUT", REGISTER, {"Name": "web"}, headers)).status == 200
    assert "web" in view.services.services()


async def test_register_with_everything() -> None:
    """Meta keeps its keys as they are, weights and tags arrive, `Checks` go before `Check`."""
    view = FakeView()
    body = {
        "name": "web",
        "meta": {"Some_Key": "v", "none": None},
        "weights": {"passing": 10, "Warning": 0},
        "tags": ["a", "b"],
        "check": {"tcp": "localhost:22", "interval": "5s", "timeout": "2s", "status": "passing", "notes": "n"},
        "checks": [{"http": "http://x/", "interval": "1m", "CheckID": "mine", "Name": "My check"}],
        "tagged_addresses": {"lan": {"address": "1.2.3.4", "port": 1}, "Elsewhere_4": {"Address": "x"}, "none": None},
    }
    assert (await ask_consul(view, "PUT", f"{REGISTER}?replace-existing-checks=true", body)).status == 200
    _, service, replaces = view.calls[0]
    assert isinstance(service, ServiceDefinition)
    assert replaces is True
    assert (service.id, service.meta, service.weights, service.tags) == (
        "",
        {"Some_Key": "v", "none": ""},
        (10, 0),
        ("a", "b"),
    )
    assert service.tagged_addresses == {"lan": ("1.2.3.4", 1), "Elsewhere_4": ("x", 0), "none": ("", 0)}
    assert [check.id for check in service.checks] == ["mine", ""]
    assert set(view.services.checks()) == {"mine", "service:web:2"}
    listed = (await ask_consul(view, "GET", "/v1/agent/checks")).json
    assert listed["mine"]["Name"] == "My check"
    assert listed["service:web:2"]["Status"] == "passing"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Missing service name"),
        ({"Name": ""}, "Missing service name"),
        ({"Name": None}, "Missing service name"),
        ({"Name": "w", "Address": "0.0.0.0"}, "Invalid service address"),
        ({"Name": "w", "Address": "::"}, "Invalid service address"),
        (
            {"Name": "w", "Check": {"TTL": "1s", "Status": "bad"}},
            "Status for checks must 'passing', 'warning', 'critical'",
        ),
        (
            {"Name": "w", "Check": {"HTTP": "http://x"}},
            "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks",
        ),
        ({"Name": "w", "Checks": [{}]}, "Invalid check: TTL must be > 0 for TTL checks"),
        ({"Name": "w", "Port": 65_536}, "Invalid service port 65536: give 0 to 65535"),
        ({"Name": "w", "Port": -1}, "Invalid service port -1: give 0 to 65535"),
        (
            {"Name": "w", "Weights": {"Passing": 0}},
            "Invalid Weights: Passing must be greater than 0",
        ),
        ({"Name": "w", "TaggedAddresses": {"lan": {"Port": 65_536}}}, "Invalid service port 65536: give 0 to 65535"),
        (
            {"Name": "w", "TaggedAddresses": {"lan": "10.0.0.1"}},
            "Request decode failed: taggedaddresses must be an object of objects, not this object",
        ),
        (
            {"Name": "w", "TaggedAddresses": {"lan": {"Address": 1}}},
            "Request decode failed: address must be text, not this number",
        ),
        ({"Name": "consul"}, 'The service ID "consul" is this node\'s own'),
        ({"Name": 5}, "Request decode failed: name must be text, not this number"),
        ({"Name": "w", "Tags": "a"}, "Request decode failed: tags must be a list of text, not text"),
        ({"Name": "w", "Port": "80"}, "Request decode failed: port must be a whole number, not text"),
        ({"Name": "w", "Port": 1.5}, "Request decode failed: port must be a whole number, not this number"),
        ({"Name": "w", "Port": True}, "Request decode failed: port must be a whole number, not a boolean"),
        ({"Name": "w", "Check": []}, "Request decode failed: check must be an object, not this list"),
        ({"Name": "w", "Meta": {"a": 1}}, "Request decode failed: meta must be an object of text, not this object"),
        (
            {"Name": "w", "Check": {"TTL": "15"}},
            'Request decode failed: time: missing unit in duration "15"',
        ),
        ({"Name": "w", "Check": {"TTL": 1e300}}, "Request decode failed: ttl is longer than any duration"),
        ([], "Request decode failed: the body is this list, and this route reads an object"),
        (b"", "Request decode failed: EOF"),
        (b"{", "Request decode failed: the body is not JSON"),
        (b'{"Name":"\xff"}', "Request decode failed: name is not UTF-8, and names and ids must be"),
        (b'{"Name":' + b"[" * 100_000, "Request decode failed: the body is nested too deeply"),
    ],
)
async def test_register_refused(body: object, sentence: str) -> None:
    """What is wrong is 400 with Consul's words, and nothing is registered."""
    view = FakeView()
    answer = await ask_consul(view, "PUT", REGISTER, body)
    assert (answer.status, answer.text) == (400, sentence)
    assert view.calls == []


async def test_register_empty_check_is_none() -> None:
    """An object of nothing, which some clients send, is no check."""
    view = FakeView()
    assert (await ask_consul(view, "PUT", REGISTER, {"Name": "w", "Check": {"TTL": "", "HTTP": None}})).status == 200
    assert view.services.checks() == {}


async def test_register_refused_by_the_node() -> None:
    """Scripts that are not enabled are 400, a disk that takes nothing is 500."""
    view = FakeView()
    view.services.script_checks_enabled = False
    body = {"Name": "w", "Check": {"Args": ["true"], "Interval": "1s"}}
    answer = await ask_consul(view, "PUT", REGISTER, body)
    assert (answer.status, answer.text) == (400, "Scripts are disabled on this agent")
    view.services.disk_is_full = True
    answer = await ask_consul(view, "PUT", REGISTER, {"Name": "w"})
    assert (answer.status, answer.text) == (500, "state.db cannot be written: the disk is full")


@pytest.mark.parametrize("acl", [False, True], ids=["open", "acl"])
async def test_register_keeps_the_id_of_its_token(acl: bool) -> None:
    """Under access control lists, and never the secret; nor is one in the body looked at, or anything of it shown."""
    view = FakeView()
    secret = "secret-of-mine"
    for path, body in (
        ("service/register", {"Name": "w", "Token": secret}),
        ("check/register", {"Name": "c", "TTL": "9s", "Token": secret}),
        ("service/maintenance/w?enable=1", None),
        ("maintenance?enable=1", None),
    ):
        answer = await ask_consul(view, "PUT", f"/v1/agent/{path}", body, headers=ADMIN, acl=acl)
        assert answer.status == 200
    assert view.services.token_ids == [ADMIN_ID if acl else ""] * 4
    assert secret not in str(view.calls)
    assert ADMIN_TOKEN not in str(view.calls)
    for path in ("agent/services", "agent/checks", "agent/service/w", "catalog/node/n1", "health/node/n1"):
        answer = await ask_consul(view, "GET", f"/v1/{path}", headers=ADMIN, acl=acl)
        assert ADMIN_ID not in answer.text


PATHS = [
    ("app%23127.0.0.1%233000", "app#127.0.0.1#3000"),
    ("a%2Fb", "a/b"),
    ("a/b", "a/b"),
    ("%2Fa%2F%2F", "/a//"),
    ("a%20b%3Fc%25", "a b?c%"),
    ("%C3%A9%0A", "\u00e9\n"),
    ("a%2520b", "a%20b"),
    ("x+y", "x+y"),
]
"""Ids as clients write them into a path, and as they are."""


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(("sent", "id"), PATHS)
async def test_deregister_decodes_once(method: str, sent: str, id: str) -> None:
    """What follows the prefix is the id, decoded once, whatever it holds."""
    view = FakeView()
    await ask_consul(view, "PUT", REGISTER, {"Name": "w", "ID": id, "Check": {"TTL": "1s"}})
    answer = await ask_consul(view, method, f"/v1/agent/service/deregister/{sent}")
    assert (answer.status, answer.body) == (200, b"")
    assert view.services.services() == {}
    assert view.services.checks() == {}


async def test_deregister_unknown_and_impossible() -> None:
    """Unknown is 200, without an id 500, and the node's own service stays."""
    for path, status, text in (
        ("nobody", 200, ""),
        ("", 500, "ServiceID missing"),
        ("consul", 500, "Deregistering the consul service is not allowed"),
        ("%ff", 400, "the path is not percent-encoded UTF-8"),
    ):
        answer = await ask_consul(FakeView(), "PUT", f"/v1/agent/service/deregister/{path}")
        assert (answer.status, answer.text) == (status, text)


async def test_deregister_takes_the_sign_for_unreadable_itself() -> None:
    """An id may hold U+FFFD, if that is what was sent."""
    view = FakeView()
    assert (await ask_consul(view, "PUT", "/v1/agent/service/deregister/%EF%BF%BD")).status == 200
    assert view.calls == [("deregister_service", "\ufffd")]


async def test_list_filter() -> None:
    """Services can be asked for by what they are."""
    view = FakeView()
    for name, tags in (("web", ["v1"]), ("db", [])):
        await ask_consul(view, "PUT", REGISTER, {"Name": name, "Tags": tags})
    answer = await ask_consul(view, "GET", "/v1/agent/services?filter=Service%20==%20web%20and%20v1%20in%20Tags")
    assert set(answer.json) == {"web"}
    answer = await ask_consul(view, "GET", "/v1/agent/services?filter=Service%20~%20web")
    assert answer.status == 500
