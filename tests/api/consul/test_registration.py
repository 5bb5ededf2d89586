"""Registrations, body by body, as Consul 1.8.7 answers them.

Each row of CHECKS, SERVICES and BODIES is the status, and the words, with which a Consul 1.8.7 answered that body on
/v1/agent/check/register or /v1/agent/service/register; of `Request decode failed` only the beginning is held to. What
is answered otherwise on purpose has the table DIFFERENT.
"""

from typing import Any

import pytest

from api.service_view import CheckDefinition, ServiceDefinition
from tests.api.asker import ask_consul
from tests.api.fake_view import FakeView

CHECKS: list[Any] = [
    ({}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"TTL": "10s"}, 200, ""),
    ({"TTL": 10000000000}, 200, ""),
    ({"TTL": 10}, 200, ""),
    ({"TTL": "10"}, 400, "Request decode failed: "),
    ({"TTL": None}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"TTL": "-5s"}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"TTL": "0"}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"TTL": 1.5}, 200, ""),
    ({"TTL": 10000000000.0}, 200, ""),
    ({"TTL": "1h30m"}, 200, ""),
    ({"TTL": "1ns"}, 200, ""),
    ({"TTL": "9999999h"}, 400, "Request decode failed: "),
    ({"TTL": " 5s"}, 400, "Request decode failed: "),
    ({"TTL": ".5m"}, 200, ""),
    ({"TTL": "+5s"}, 200, ""),
    ({"HTTP": "http://x"}, 400, "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks"),
    ({"HTTP": "http://x", "Interval": "10s"}, 200, ""),
    ({"HTTP": "http://x", "Interval": 10}, 200, ""),
    ({"HTTP": "http://x", "Interval": "10"}, 400, "Request decode failed: "),
    ({"HTTP": "", "Interval": "10s"}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"TCP": "x:1"}, 400, "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks"),
    ({"TCP": "x:1", "Interval": "1s", "Timeout": "-1s"}, 200, ""),
    ({"TCP": "x:1", "Interval": "1s", "Timeout": "5s"}, 200, ""),
    ({"Args": ["a"]}, 400, "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks"),
    ({"Args": ["a"], "Interval": "1h"}, 200, ""),
    ({"Args": "a", "Interval": "1h"}, 400, "Request decode failed: "),
    ({"ScriptArgs": ["a"], "Interval": "1h"}, 200, ""),
    ({"script_args": ["a"], "Interval": "1h"}, 200, ""),
    ({"Args": [], "Interval": "1h"}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"Args": [1], "Interval": "1h"}, 400, "Request decode failed: "),
    ({"Args": [""], "Interval": "1h"}, 200, ""),
    ({"DockerContainerID": "d", "Interval": "1h"}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"DockerContainerID": "d", "Args": ["a"], "Interval": "1h"}, 200, ""),
    ({"DockerContainerID": "d", "Args": ["a"], "Shell": "/bin/zsh", "Interval": "1h"}, 200, ""),
    ({"docker_container_id": "d", "Args": ["a"], "Interval": "1h"}, 200, ""),
    ({"HTTP": "http://x", "TCP": "x:1", "Interval": "1h"}, 200, ""),
    ({"HTTP": "http://x", "Args": ["a"], "Interval": "1h"}, 200, ""),
    ({"TTL": "1s", "OutputMaxSize": 10}, 200, ""),
    ({"TTL": "1s", "OutputMaxSize": -1}, 400, "Invalid check: MaxOutputMaxSize must be positive"),
    ({"TTL": "1s", "OutputMaxSize": 0}, 200, ""),
    ({"TTL": "1s", "OutputMaxSize": "10"}, 400, "Request decode failed: "),
    ({"TTL": "1s", "OutputMaxSize": 100000}, 200, ""),
    ({"TTL": "1s", "OutputMaxSize": 1.5}, 400, "Request decode failed: "),
    ({"TTL": "1s", "SuccessBeforePassing": 3}, 200, ""),
    ({"TTL": "1s", "SuccessBeforePassing": -3}, 200, ""),
    ({"TTL": "1s", "FailuresBeforeCritical": 3}, 200, ""),
    ({"TTL": "1s", "FailuresBeforeCritical": "3"}, 400, "Request decode failed: "),
    ({"TTL": "1s", "FailuresBeforeCritical": 1.5}, 400, "Request decode failed: "),
    ({"TTL": "1s", "Status": "passing"}, 200, ""),
    ({"TTL": "1s", "Status": "Passing"}, 400, "Bad check status"),
    ({"TTL": "1s", "Status": ""}, 200, ""),
    ({"TTL": "1s", "Status": "maintenance"}, 400, "Bad check status"),
    ({"TTL": "1s", "Status": "bad"}, 400, "Bad check status"),
    ({"TTL": "1s", "Status": None}, 200, ""),
    ({"TTL": "1s", "Status": 1}, 400, "Request decode failed: "),
    ({"TTL": "1s", "DeregisterCriticalServiceAfter": "90m"}, 200, ""),
    ({"TTL": "1s", "DeregisterCriticalServiceAfter": "1s"}, 200, ""),
    ({"TTL": "1s", "DeregisterCriticalServiceAfter": 60000000000}, 200, ""),
    ({"TTL": "1s", "DeregisterCriticalServiceAfter": "x"}, 400, "Request decode failed: "),
    ({"TTL": "1s", "deregister_critical_service_after": "1m"}, 200, ""),
    ({"TTL": "1s", "DeregisterCriticalServiceAfter": "-1m"}, 200, ""),
    ({"TTL": "1s", "Notes": 5}, 400, "Request decode failed: "),
    ({"TTL": "1s", "Notes": None}, 200, ""),
    ({"TTL": "1s", "ServiceID": "nosuch"}, 500, 'ServiceID "nosuch" does not exist'),
    ({"TTL": "1s", "ServiceID": ""}, 200, ""),
    ({"TTL": "1s", "service_id": "s"}, 200, ""),
    ({"TTL": "1s", "Token": "x"}, 200, ""),
    ({"HTTP": "http://x", "Interval": "1h", "Method": "post"}, 200, ""),
    ({"HTTP": "http://x", "Interval": "1h", "Method": "B AD"}, 200, ""),
    ({"HTTP": "http://x", "Interval": "1h", "Header": {"a": ["b"]}}, 200, ""),
    ({"HTTP": "http://x", "Interval": "1h", "Header": {"a": "b"}}, 400, "Request decode failed: "),
    ({"HTTP": "http://x", "Interval": "1h", "Header": {"a": None}}, 200, ""),
    ({"HTTP": "http://x", "Interval": "1h", "Header": None}, 200, ""),
    ({"HTTP": "http://x", "Interval": "1h", "Header": []}, 400, "Request decode failed: "),
    ({"HTTP": "http://x", "Interval": "1h", "Header": {"b ad": ["x\n"]}}, 200, ""),
    ({"HTTP": "http://x", "Interval": "1h", "Body": "x"}, 200, ""),
    ({"HTTP": "http://x", "Interval": "1h", "Body": {"a": 1}}, 400, "Request decode failed: "),
    ({"HTTP": "http://x", "Interval": "1h", "Body": None}, 200, ""),
    ({"HTTP": "http://x", "Interval": "1h", "TLSSkipVerify": True}, 200, ""),
    ({"HTTP": "http://x", "Interval": "1h", "TLSSkipVerify": "true"}, 400, "Request decode failed: "),
    ({"HTTP": "http://x", "Interval": "1h", "TLSSkipVerify": 1}, 400, "Request decode failed: "),
]
SERVICES: list[Any] = [
    ({}, 200, ""),
    ({"Tags": ["a", "b", "a", ""]}, 200, ""),
    ({"Tags": "a"}, 400, "Request decode failed: "),
    ({"Tags": None}, 200, ""),
    ({"Tags": [None]}, 200, ""),
    ({"Tags": [1]}, 400, "Request decode failed: "),
    ({"Tags": {}}, 400, "Request decode failed: "),
    ({"Port": 80}, 200, ""),
    ({"Port": "80"}, 400, "Request decode failed: "),
    ({"Port": 80.5}, 400, "Request decode failed: "),
    ({"Port": None}, 200, ""),
    ({"Port": True}, 400, "Request decode failed: "),
    ({"Port": 9223372036854775808}, 400, "Request decode failed: "),
    ({"Port": 18446744073709551616}, 400, "Request decode failed: "),
    ({"Address": "1.2.3.4"}, 200, ""),
    ({"Address": "0.0.0.0"}, 400, "Invalid service address"),
    ({"Address": "::"}, 400, "Invalid service address"),
    ({"Address": "[::]"}, 400, "Invalid service address"),
    ({"Address": "0"}, 200, ""),
    ({"Address": "host name"}, 200, ""),
    ({"Address": 5}, 400, "Request decode failed: "),
    ({"Address": None}, 200, ""),
    ({"Address": " "}, 200, ""),
    ({"Address": "::0"}, 200, ""),
    ({"Address": "0:0:0:0:0:0:0:0"}, 200, ""),
    ({"Address": "::ffff:0.0.0.0"}, 200, ""),
    ({"Meta": {"a": "b"}}, 200, ""),
    ({"Meta": {"": "b"}}, 400, "Invalid Service Meta: Couldn't load metadata pair ('', 'b'): Key cannot be blank"),
    ({"Meta": {"a": ""}}, 200, ""),
    ({"Meta": {"a": None}}, 200, ""),
    ({"Meta": {"a": 1}}, 400, "Request decode failed: "),
    ({"Meta": {"a_b-C9": "c"}}, 200, ""),
    ({"Meta": {"Consul-x": "c"}}, 200, ""),
    ({"Meta": {"consul": "c"}}, 200, ""),
    ({"Meta": None}, 200, ""),
    ({"Meta": []}, 400, "Request decode failed: "),
    ({"Meta": "x"}, 400, "Request decode failed: "),
    ({"Meta": {"rpc-timeout": "1"}}, 200, ""),
    ({"Meta": {"a": "\n"}}, 200, ""),
    ({"Meta": {"a": True}}, 400, "Request decode failed: "),
    ({"Meta": {"a": {}}}, 400, "Request decode failed: "),
    ({"Weights": {}}, 400, "Invalid Weights: Passing must be greater than 0"),
    ({"Weights": None}, 200, ""),
    ({"Weights": {"Passing": 0}}, 400, "Invalid Weights: Passing must be greater than 0"),
    ({"Weights": {"Passing": -1}}, 400, "Invalid Weights: Passing must be greater than 0"),
    ({"Weights": {"Passing": 2}}, 200, ""),
    ({"Weights": {"Warning": 2}}, 400, "Invalid Weights: Passing must be greater than 0"),
    ({"Weights": {"Passing": 0, "Warning": 0}}, 400, "Invalid Weights: Passing must be greater than 0"),
    ({"Weights": {"Passing": 1, "Warning": -1}}, 400, "Invalid Weights: Warning must be greater or equal than 0"),
    ({"Weights": {"Passing": 65535, "Warning": 65535}}, 200, ""),
    ({"Weights": {"Passing": 65536, "Warning": 1}}, 400, "Invalid Weights: DNS Weight must be between 0 and 65535"),
    ({"Weights": {"Passing": 1, "Warning": 65536}}, 400, "Invalid Weights: DNS Weight must be between 0 and 65535"),
    ({"Weights": {"Passing": "1"}}, 400, "Request decode failed: "),
    ({"Weights": {"passing": 3, "warning": 4}}, 200, ""),
    ({"Weights": 5}, 400, "Request decode failed: "),
    ({"Weights": {"Passing": 2, "Warning": 0}}, 200, ""),
    ({"Weights": {"Passing": 1.5}}, 400, "Request decode failed: "),
    ({"EnableTagOverride": True}, 200, ""),
    ({"EnableTagOverride": "true"}, 400, "Request decode failed: "),
    ({"EnableTagOverride": 1}, 400, "Request decode failed: "),
    ({"EnableTagOverride": None}, 200, ""),
    ({"enable_tag_override": True}, 200, ""),
    ({"TaggedAddresses": {"lan": {"Address": "1.2.3.4", "Port": 80}}}, 200, ""),
    ({"TaggedAddresses": {"lan": {"Address": "1.2.3.4"}}}, 200, ""),
    ({"TaggedAddresses": {"lan": "1.2.3.4"}}, 400, "Request decode failed: "),
    ({"TaggedAddresses": {"lan": None}}, 200, ""),
    ({"TaggedAddresses": {"lan": {}}}, 200, ""),
    ({"TaggedAddresses": {"lan": {"Address": "0.0.0.0"}}}, 200, ""),
    ({"TaggedAddresses": {"x": {"address": "y", "port": 1}}}, 200, ""),
    ({"TaggedAddresses": {"x": {"Address": "y", "Port": "1"}}}, 400, "Request decode failed: "),
    ({"TaggedAddresses": None}, 200, ""),
    ({"Kind": ""}, 200, ""),
    ({"Kind": "x"}, 200, ""),
    ({"Connect": {}}, 200, ""),
    ({"Connect": {"Native": True}}, 200, ""),
    ({"Proxy": None}, 200, ""),
    ({"Proxy": {}}, 200, ""),
    ({"Token": "x"}, 200, ""),
    ({"Check": {}}, 200, ""),
    ({"Check": None}, 200, ""),
    ({"Check": []}, 400, "Request decode failed: "),
    ({"Check": {"TTL": "1s"}}, 200, ""),
    ({"Checks": []}, 200, ""),
    ({"Checks": [{}]}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"Checks": {}}, 400, "Request decode failed: "),
    ({"Checks": [{"TTL": "1s"}, {"TTL": "2s"}]}, 200, ""),
    ({"Checks": [{"TTL": "1s"}], "Check": {"TTL": "2s"}}, 200, ""),
    ({"Check": {"TTL": "1s", "CheckID": "mine", "Name": "My"}}, 200, ""),
    ({"Check": {"TTL": "1s", "Status": "bad"}}, 400, "Status for checks must 'passing', 'warning', 'critical'"),
    ({"Check": {"Status": "passing"}}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"Check": {"Notes": "x"}}, 400, "Invalid check: TTL must be > 0 for TTL checks"),
    ({"Check": {"HTTP": "http://x"}}, 400, "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks"),
    ({"Check": {"HTTP": "http://x", "Interval": "1h"}}, 200, ""),
    ({"Check": {"TTL": "1s", "ServiceID": "x"}}, 200, ""),
    ({"Checks": [{"TTL": "1s", "CheckID": "a"}, {"TTL": "1s", "CheckID": "a"}]}, 200, ""),
    ({"Check": {"TTL": "1s", "SuccessBeforePassing": 2, "FailuresBeforeCritical": 2, "OutputMaxSize": 5}}, 200, ""),
]
BODIES: list[Any] = [
    ("check", {"ID": "c", "TTL": "1s"}, 400, "Missing check name"),
    ("check", {"Name": "", "TTL": "1s"}, 400, "Missing check name"),
    ("check", {"Name": 5, "TTL": "1s"}, 400, "Request decode failed: "),
    ("check", {"ID": 5, "Name": "c", "TTL": "1s"}, 400, "Request decode failed: "),
    ("check", {"ID": "", "Name": "c", "TTL": "1s"}, 200, ""),
    ("check", {"NAME": "c", "ttl": "1s"}, 200, ""),
    ("check", {"Name": None, "TTL": "1s"}, 400, "Missing check name"),
    ("check", {"Name": "a\nb", "TTL": "1s"}, 200, ""),
    ("check", [], 400, "Request decode failed: "),
    ("check", "x", 400, "Request decode failed: "),
    ("check", b"null", 400, "Missing check name"),
    ("check", 5, 400, "Request decode failed: "),
    ("check", b"", 400, "Request decode failed: "),
    ("check", b" ", 400, "Request decode failed: "),
    ("check", b"{", 400, "Request decode failed: "),
    ("check", b"{}x", 400, "Missing check name"),
    ("check", b'{"Name":"c","TTL":"1s"}{}', 200, ""),
    ("check", b'{"Name":"c","TTL":"1s"} x', 200, ""),
    ("check", b'{"Name":"c","TTL":"1s",}', 400, "Request decode failed: "),
    ("check", b'\xef\xbb\xbf{"Name":"c","TTL":"1s"}', 400, "Request decode failed: "),
    ("check", b'{"Name":"c","name":"d","TTL":"1s"}', 200, ""),
    ("check", b'{"Name":"c","TTL":"1s","Notes":"\xe9"}', 200, ""),
    ("check", b'{"Name":"c","TTL":"1s","Notes":"\\ud800"}', 200, ""),
    ("check", b'{"Name":"c","TTL":"1s","Notes":"a\nb"}', 400, "Request decode failed: "),
    ("check", b'{"Name":"c","TTL":"1s","Notes":"\\x"}', 400, "Request decode failed: "),
    ("service", {"ID": "s", "Name": ""}, 400, "Missing service name"),
    ("service", {"ID": "s", "Name": None}, 400, "Missing service name"),
    ("service", {"ID": "s", "Name": 5}, 400, "Request decode failed: "),
    ("service", {"Name": "s"}, 200, ""),
    ("service", {"ID": "s"}, 400, "Missing service name"),
    ("service", {"name": "s", "id": "s2"}, 200, ""),
    ("service", {"Name": "s", "ID": ""}, 200, ""),
    ("service", [], 400, "Request decode failed: "),
    ("service", b"", 400, "Request decode failed: "),
    ("service", b"null", 400, "Missing service name"),
    ("service", {"Name": "a b"}, 200, ""),
    ("service", {"Name": "a.b"}, 200, ""),
    ("service", {"Name": "Über"}, 200, ""),
    ("service", {"ID": "a/b", "Name": "s"}, 200, ""),
    ("service", b'{"Name":"s","Meta":{"a":"\xe9"}}', 200, ""),
    ("service", b'{"Name":"s","Meta":{"a":"\\ud800"}}', 200, ""),
    ("service", b'{"Name":"s","Tags":["\xe9"]}', 200, ""),
    ("service", b'{"Name":"s","Tags":["\\ud800"]}', 200, ""),
    ("service", b'{"Name":"s","Address":"\xe9"}', 200, ""),
    ("service", b'{"Name":"s","Name":"t"}', 200, ""),
    ("service", b'{"Name":"s","Check":{"TTL":"1s","Notes":"\xe9"}}', 200, ""),
]
DIFFERENT: list[Any] = [
    ("check", {"Name": "c", "Script": "a", "Interval": "1h"}, 200, ""),
    ("check", {"Name": "c", "TTL": "1s", "Interval": "1s"}, 200, ""),
    ("check", {"Name": "c", "TTL": "1s", "HTTP": "http://x"}, 200, ""),
    ("check", {"Name": "c", "TTL": "1s", "Unknown": 1}, 200, ""),
    ("check", {"Name": "c", "TTL": "1s", "success_before_passing": 3}, 200, ""),
    ("check", {"CheckID": "c", "Name": "c", "TTL": "1s"}, 200, ""),
    ("check", {"Name": "c", "TTL": "1s", "DeregisterCriticalServiceAfter": ""}, 200, ""),
    (
        "check",
        {"Name": "c", "GRPC": "127.0.0.1:1", "Interval": "1h"},
        400,
        "Invalid check: gRPC checks are not run by this agent: use HTTP, TCP, TTL or a script",
    ),
    (
        "check",
        {"Name": "c", "AliasNode": "n1"},
        400,
        "Invalid check: alias checks are not run by this agent: use HTTP, TCP, TTL or a script",
    ),
    (
        "service",
        {"Name": "s", "Check": {"alias_service": "t"}},
        400,
        "Invalid check: alias checks are not run by this agent: use HTTP, TCP, TTL or a script",
    ),
    ("service", {"Name": "s", "Port": 80.0}, 200, ""),
    ("service", {"Name": "s", "Port": -1}, 400, "Invalid service port -1: give 0 to 65535"),
    ("service", {"Name": "s", "Check": {"TTL": "1s", "ID": "mine"}}, 200, ""),
    (
        "service",
        {"Name": "s", "Meta": {"k\n": "v" * 100}},
        400,
        f"Invalid Service Meta: Couldn't load metadata pair ('k\\n', '{'v' * 80}...'): Key contains invalid characters",
    ),
]
"""0.7 took the first ones, and clients of that age write them; what would never run, or cannot be told, is refused."""


async def _register(kind: str, body: object) -> tuple[int, str, FakeView]:
    view = FakeView()
    await view.services.register_service(ServiceDefinition("s", "s"), replace_checks=False, token_id="")
    view.calls.clear()
    answer = await ask_consul(view, "PUT", f"/v1/agent/{kind}/register", body)
    assert bool(view.calls) is (answer.status == 200)
    return answer.status, answer.text, view


def _assert_answered(found: tuple[int, str, FakeView], status: int, words: str) -> None:
    assert found[0] == status
    assert found[1].startswith(words) if words.endswith(": ") else found[1] == words
    assert "\n" not in found[1]


@pytest.mark.parametrize(("fields", "status", "words"), CHECKS, ids=str)
async def test_check_is_registered_or_refused(fields: dict[str, Any], status: int, words: str) -> None:
    """The fields of a check that has an id and a name."""
    _assert_answered(await _register("check", {"ID": "c", "Name": "c", **fields}), status, words)


@pytest.mark.parametrize(("fields", "status", "words"), SERVICES, ids=str)
async def test_service_is_registered_or_refused(fields: dict[str, Any], status: int, words: str) -> None:
    """The fields of a service that has an id and a name."""
    _assert_answered(await _register("service", {"ID": "s", "Name": "s", **fields}), status, words)


@pytest.mark.parametrize(("kind", "body", "status", "words"), [*BODIES, *DIFFERENT], ids=lambda value: str(value)[:60])
async def test_body_is_registered_or_refused(kind: str, body: object, status: int, words: str) -> None:
    """Whole bodies, JSON or not."""
    _assert_answered(await _register(kind, body), status, words)


@pytest.mark.parametrize(
    ("fields", "key", "shown"),
    [
        ({"Weights": {"Passing": 2}}, "Weights", {"Passing": 2, "Warning": 0}),
        ({"Weights": {"passing": 3, "warning": 4}}, "Weights", {"Passing": 3, "Warning": 4}),
        ({"Weights": None}, "Weights", {"Passing": 1, "Warning": 1}),
        ({"Tags": [None, "a", "a", ""]}, "Tags", ["", "a", "a", ""]),
        ({"Meta": {"a": None, "b": ""}}, "Meta", {"a": "", "b": ""}),
        ({"Address": "::0"}, "Address", "::0"),
        ({"Address": "host name"}, "Address", "host name"),
        ({"TaggedAddresses": {"x": None}}, "TaggedAddresses", {"x": {"Address": "", "Port": 0}}),
        ({"TaggedAddresses": {"x": {}}}, "TaggedAddresses", {"x": {"Address": "", "Port": 0}}),
        (b'"Meta":{"a":"\xe9"}', "Meta", {"a": "\ufffd"}),
        (b'"Meta":{"a":"\\ud800"}', "Meta", {"a": "\ufffd"}),
        (b'"Tags":["\xe9","\\ud800b"]', "Tags", ["\ufffd", "\ufffdb"]),
        (b'"Address":"\xe9"', "Address", "\ufffd"),
    ],
    ids=str,
)
async def test_service_is_shown_as_it_was_registered(fields: object, key: str, shown: object) -> None:
    """As by Consul 1.8.7, which takes texts in any bytes."""
    view = FakeView()
    body = b'{"Name":"s",' + fields + b"}" if isinstance(fields, bytes) else {"Name": "s", **dict(fields)}  # type: ignore[call-overload]
    assert (await ask_consul(view, "PUT", "/v1/agent/service/register", body)).status == 200
    assert (await ask_consul(view, "GET", "/v1/agent/services")).json["s"][key] == shown


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"Body": "b", "Method": "post"}, {"body": "b", "method": "post"}),
        ({"Timeout": "5s", "Interval": "1s"}, {"timeout_s": 5.0, "interval_s": 1.0}),
        ({"Header": {"a": None, "b": [None, "c"]}}, {"headers": {"a": (), "b": ("", "c")}}),
        (
            {"SuccessBeforePassing": 3, "FailuresBeforeCritical": 4},
            {"success_before_passing": 3, "failures_before_critical": 4},
        ),
        ({"SuccessBeforePassing": -3, "FailuresBeforeCritical": -4}, {}),
        ({"OutputMaxSize": 10}, {"output_max_size": 10}),
    ],
    ids=str,
)
async def test_check_is_run_as_it_was_registered(fields: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Alone, and with its service."""
    check = {"HTTP": "http://h", "Interval": "1h", **fields}
    definition = CheckDefinition(**{"http": "http://h", "interval_s": 3_600.0, **wanted})
    _, _, view = await _register("check", {"Name": "c", **check})
    assert view.services.definitions["c"] == CheckDefinition(**{**_fields(definition), "id": "c", "name": "c"})
    _, _, view = await _register("service", {"Name": "s", "Check": check})
    named = {"id": "service:s", "name": "Service 's' check", "service_id": "s"}
    assert view.services.definitions["service:s"] == CheckDefinition(**{**_fields(definition), **named})


def _fields(definition: CheckDefinition) -> dict[str, Any]:
    return {name: getattr(definition, name) for name in CheckDefinition.__slots__}


@pytest.mark.parametrize(
    "reason", ["a%E9b", "a%ED%A0%80", "a\\b", "x" * 30_000, "a%0Ab%00"], ids=lambda text: text[:20]
)
@pytest.mark.parametrize("path", ["/v1/agent/maintenance", "/v1/agent/service/maintenance/s"])
async def test_reason_of_maintenance_is_taken_in_any_bytes(path: str, reason: str) -> None:
    """As by Consul 1.8.7; the node keeps the first 4,096 bytes."""
    _, _, view = await _register("service", {"Name": "s"})
    assert (await ask_consul(view, "PUT", f"{path}?enable=true&reason={reason}")).status == 200
    told = view.calls[-1][3]
    assert isinstance(told, str)
    assert told.encode()
    assert len(told) >= min(len(reason), 3)
