"""The Peers API over real processes: every route, what it refuses and why, and who may call it."""

import http.client
import json
import re
import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from node.http_client import Answer
from protocol.ulid import parse_ulid, ulid_time_ms
from tests.end_to_end.agent_process import AgentProcess, run_shoal, wait_until
from tests.end_to_end.cluster import Cluster, running_cluster

pytestmark = pytest.mark.end_to_end

PEERS = "/v1/peers"
UNKNOWN_ID = "01HF7YAT00J5H9TKGZ2Q3W8X4E"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run n1 and n2 for all tests of this file, and n3, a node of the cluster that is alone."""
    with running_cluster(tmp_path_factory.mktemp("pair"), 2) as two:
        two.other("n3").start()
        yield two


@pytest.fixture
def alone(pair: Cluster) -> Iterator[AgentProcess]:
    """Give n3 as no member of anybody's; it leaves after the test."""
    n3 = pair.agent("n3")
    yield n3
    n3.ask("DELETE", f"{PEERS}/self")
    pair.wait_seen("n3", "left", "")


def address_by_http(agent: AgentProcess) -> str:
    """Give host:port of an agent's HTTP listener."""
    return agent.url.removeprefix("http://")


def post(agent: AgentProcess, address: object) -> Answer:
    """Ask for a peer to be added."""
    return agent.ask("POST", PEERS, body={"address": address})


def code(answer: Answer) -> tuple[int, str]:
    """Give status and code of a refusal, whose body has the two keys of one."""
    body = answer.json()
    assert set(body) == {"error", "code"}
    assert body["error"]
    return answer.status, body["code"]


def raw(agent: AgentProcess, method: str, path: str, body: bytes, **headers: str) -> Answer:
    """Ask with a body that may be no JSON, and headers of our own choice."""
    connection = http.client.HTTPConnection(address_by_http(agent), timeout=20)
    try:
        connection.request(method, path, body, {"Authorization": f"Bearer {agent.token}"} | headers)
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def token(agent: AgentProcess, *scopes: str) -> str:
    """Have a token made."""
    answer = agent.ask("POST", "/v1/cluster/tokens", body={"name": "test", "scopes": list(scopes)})
    assert answer.status == 201
    return str(answer.json()["token"])


# --- looking ----------------------------------------------------------------------------------------


def test_peers_are_listed_with_exactly_one_local(pair: Cluster) -> None:
    """Ordered by id; key, address and the time in the id are shown; both nodes agree but for who is local."""
    first, second = pair.agents
    listed = first.get(PEERS)
    assert [peer["id"] for peer in listed] == sorted([first.id, second.id])
    assert [peer["id"] for peer in listed if peer["is_local"]] == [first.id]
    identity = first.get("/v1/cluster/identity")
    for peer in listed:
        assert set(peer) == {"id", "name", "public_key", "is_local", "address", "created_at"}
        assert len(b64decode(peer["public_key"])) == 32
        made_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ulid_time_ms(parse_ulid(peer["id"])) // 1000))
        assert peer["created_at"] == made_at
    own = next(peer for peer in listed if peer["is_local"])
    assert (own["public_key"], own["address"], own["name"]) == (identity["public_key"], first.gossip, "n1")
    assert [peer | {"is_local": False} for peer in second.get(PEERS)] == [peer | {"is_local": False} for peer in listed]


def test_peers_are_listed_by_is_local_in_every_boolean_of_go(pair: Cluster) -> None:
    """What is none is refused, so is the empty one; other parameters are ignored."""
    first, second = pair.agents
    for value in ("1", "t", "T", "TRUE", "true", "True"):
        assert [p["id"] for p in first.get(f"{PEERS}?is_local={value}&else=1")] == [first.id], value
    for value in ("0", "f", "F", "FALSE", "false", "False"):
        assert [p["id"] for p in first.get(f"{PEERS}?is_local={value}")] == [second.id], value
    for value in ("", "yes", "tRUE", "2", "%00", "%ff", "true%20"):
        assert code(first.ask("GET", f"{PEERS}?is_local={value}")) == (400, "INVALID_REQUEST"), value


def test_peer_is_shown_and_unknown_ones_are_not_found(pair: Cluster) -> None:
    """By id; any text that is none, whatever its shape, is 404 for every method."""
    first, second = pair.agents
    assert first.get(f"{PEERS}/{second.id}") == next(p for p in first.get(PEERS) if p["id"] == second.id)
    shapes = (UNKNOWN_ID, "n2", "x", "%00", "%F0%9F%90%9F", "a%2Fb", "a/b/c", "..%2F..", "%ff", "0" * 4_000, "", "self")
    for shape in shapes:
        for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
            if (shape, method) != ("self", "DELETE"):
                answer = first.ask(method, f"{PEERS}/{shape}", body=body)
                assert code(answer) == (404, "NOT_FOUND"), (method, shape[:40])
                assert len(answer.body) < 200
    assert len(first.get(PEERS)) == 2


# --- adding -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{}", b"[]", b"5", b"null", b"nonsense", b'{"address"', b'{"address": 5}', b'{"address": null}',
        b'{"address": ["127.0.0.1:1"]}', b'{"address": "\xff:1"}', b'{"address": "\\ud800:1"}', b"[" * 100_000,
        b'{"Address": "127.0.0.1:1"}', b'{"address": ""}', b'{"address": "127.0.0.1"}', b'{"address": "127.0.0.1:"}',
        b'{"address": "127.0.0.1:0"}', b'{"address": "127.0.0.1:65536"}', b'{"address": "127.0.0.1:x"}',
        b'{"address": ":7946"}', b'{"address": "::1:7946"}', b'{"address": "http://127.0.0.1:4646"}',
        b'{"address": " 127.0.0.1:7946"}', b'{"address": "127.0.0.1:7946 "}', b'{"address": "a b:7946"}',
        b'{"address": "a\\u0000b:7946"}', b'{"address": "127.0.0.1:00000000099999"}',
        b'{"address": "' + b"x" * 500_000 + b':7946"}',
    ],
    ids=lambda body: ascii(body[:24]),
)  # fmt: skip
def test_add_refuses_what_is_no_address(pair: Cluster, body: bytes) -> None:
    """Missing, of a wrong type, not host:port, not JSON, not UTF-8: 400, and the sentence fits a line."""
    answer = raw(pair.seed, "POST", PEERS, body)
    assert code(answer) == (400, "INVALID_REQUEST")
    assert "\n" not in answer.json()["error"]
    assert len(answer.body) < 300


def test_add_brings_a_peer_into_the_whole_cluster_whatever_the_content_type(pair: Cluster, alone: AgentProcess) -> None:
    """201 and the peer as it is listed, once it is; all others see it; a second time it exists already."""
    answer = raw(pair.seed, "POST", PEERS, json.dumps({"address": alone.gossip, "more": 1}).encode(),
                 **{"Content-Type": "text/plain"})  # fmt: skip
    assert answer.status == 201
    peer = answer.json()
    assert (peer["id"], peer["address"], peer["is_local"]) == (alone.id, alone.gossip, False)
    assert pair.seed.get(f"{PEERS}/{alone.id}") == peer
    pair.wait_seen("n3", "alive")
    wait_until("n3 sees both", lambda: alone.sees("n1", "alive") and alone.sees("n2", "alive"))
    assert code(post(pair.seed, alone.gossip)) == (409, "ALREADY_EXISTS")
    assert code(post(pair.agents[1], address_by_http(alone))) == (409, "ALREADY_EXISTS")


def test_add_takes_a_peers_http_address(pair: Cluster, alone: AgentProcess) -> None:
    """It is asked there where it gossips; the answer has the gossip address."""
    answer = post(pair.seed, address_by_http(alone))
    assert (answer.status, answer.json()["address"]) == (201, alone.gossip)
    pair.wait_seen("n3", "alive")


def test_add_refuses_members_and_oneself_by_each_address(pair: Cluster) -> None:
    """By gossip and by HTTP, as numbers and by name: ALREADY_EXISTS."""
    for agent in pair.agents:
        for address in (agent.gossip, address_by_http(agent), agent.gossip.replace("127.0.0.1", "localhost"),
                        address_by_http(agent).replace("127.0.0.1", "localhost")):  # fmt: skip
            assert code(post(pair.seed, address)) == (409, "ALREADY_EXISTS"), address


@pytest.mark.parametrize("kinds", [("gossip", "gossip"), ("gossip", "http"), ("http", "http")])
def test_two_adds_at_once_add_one_peer(pair: Cluster, alone: AgentProcess, kinds: tuple[str, str]) -> None:
    """Of one address, or of two addresses of one peer: one is answered 201 and the other 409."""
    addresses = {"gossip": alone.gossip, "http": address_by_http(alone)}
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda kind: post(pair.seed, addresses[kind]), kinds))
    assert sorted(answer.status for answer in answers) == [201, 409]
    assert code(max(answers, key=lambda answer: answer.status)) == (409, "ALREADY_EXISTS")


def test_add_refuses_a_used_name(pair: Cluster) -> None:
    """A live member's name is not given twice."""
    namesake = pair.other("namesake")
    namesake.name = "n2"
    namesake.directory = pair.directory / "namesake"
    namesake.directory.mkdir()
    namesake.start()
    assert code(post(pair.seed, namesake.gossip)) == (422, "NAME_IN_USE")
    assert len(pair.seed.get(PEERS)) == 2
    namesake.kill()
    pair.others.remove(namesake)


# --- naming -----------------------------------------------------------------------------------------


def test_name_of_a_remote_peer_is_this_nodes_note(pair: Cluster) -> None:
    """Others keep calling it by its member name; the note outlives a kill -9; an empty one takes it back."""
    first, second = pair.agents
    named = first.ask("PUT", f"{PEERS}/{second.id}", body={"name": "Räck 3 🐟", "address": "x", "id": 5})
    assert (named.status, named.json()["name"]) == (200, "Räck 3 🐟")
    assert second.get(f"{PEERS}/{second.id}")["name"] == "n2"
    first.kill()
    first.start(join=[second.gossip])
    wait_until("n1 sees n2", lambda: first.sees("n2", "alive"))
    assert first.get(f"{PEERS}/{second.id}")["name"] == "Räck 3 🐟"
    assert first.ask("PUT", f"{PEERS}/{second.id}", body={"name": ""}).json()["name"] == "n2"
    pair.wait_all_alive()


def test_name_of_the_local_peer_is_seen_by_all(pair: Cluster) -> None:
    """It travels in the peer's own record."""
    first, second = pair.agents
    assert first.ask("PUT", f"{PEERS}/{first.id}", body={"name": "One"}).json()["name"] == "One"
    wait_until("n2 sees the name", lambda: second.get(f"{PEERS}/{first.id}")["name"] == "One")
    first.ask("PUT", f"{PEERS}/{first.id}", body={"name": ""})
    wait_until("n2 sees it gone", lambda: second.get(f"{PEERS}/{first.id}")["name"] == "n1")


@pytest.mark.parametrize("is_local", [True, False])
def test_name_bounds(pair: Cluster, is_local: bool) -> None:
    """128 characters and 256 bytes fit; more, control characters and other types do not, and change nothing."""
    path = f"{PEERS}/{pair.agents[0 if is_local else 1].id}"
    before = pair.seed.get(path)
    for body in (b"", b"{}", b'{"other": 1}', b'{"name": null}'):
        assert raw(pair.seed, "PUT", path, body).json() == before
    names: tuple[Any, ...] = ("x" * 129, "é" * 129, "🐟" * 65, "a\nb", "a\0b", "\x1b[2J", 5, ["x"], {})
    for name in names:
        assert code(pair.seed.ask("PUT", path, body={"name": name})) == (400, "INVALID_REQUEST"), name
    for body in (b"nonsense", b'{"name": "\xff"}', b"[]", b'{"name": "\\ud800"}'):
        assert code(raw(pair.seed, "PUT", path, body)) == (400, "INVALID_REQUEST"), body
    assert pair.seed.get(path) == before
    for name in ("x" * 128, "é" * 128, "🐟" * 64):
        assert pair.seed.ask("PUT", path, body={"name": name}).json()["name"] == name
    assert pair.seed.ask("PUT", path, body={"name": ""}).json() == before


# --- leaving ----------------------------------------------------------------------------------------


def test_local_peer_is_not_deleted(pair: Cluster) -> None:
    """422, and the way to go instead."""
    answer = pair.seed.ask("DELETE", f"{PEERS}/{pair.seed.id}")
    assert code(answer) == (422, "CANNOT_DELETE_LOCAL")
    assert "/v1/peers/self" in answer.json()["error"]
    pair.wait_all_alive()


def test_removed_self_is_seen_by_all_and_says_the_same_again(pair: Cluster, alone: AgentProcess) -> None:
    """The process stays and answers; it has no say until it is back: NOT_ACTIVE, and nobody hears of it."""
    post(pair.seed, alone.gossip)
    pair.wait_seen("n3", "alive")
    wait_until("n3 sees n2", lambda: alone.sees("n2", "alive"))
    left = alone.ask("DELETE", f"{PEERS}/self")
    departure = left.json()
    assert left.status == 200
    assert set(departure) == {"peer_id", "version", "is_active", "deactivated_at"}
    assert (departure["peer_id"], departure["is_active"]) == (alone.id, False)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", departure["deactivated_at"])
    pair.wait_seen("n3", "left", timeout_s=3)
    assert pair.seed.rows()["n3"]["incarnation"] == departure["version"]
    assert alone.id not in [peer["id"] for peer in pair.seed.get(PEERS)]
    assert alone.ask("DELETE", f"{PEERS}/self").json() == departure
    own = [peer for peer in alone.get(PEERS) if peer["is_local"]]
    assert [peer["id"] for peer in own] == [alone.id]
    assert code(alone.ask("DELETE", f"{PEERS}/{pair.agents[1].id}")) == (409, "NOT_ACTIVE")
    revocation = {"id": UNKNOWN_ID, "revoked": True}
    assert code(alone.ask("POST", "/v1/cluster/revocations", body=revocation)) == (409, "NOT_ACTIVE")
    assert code(alone.ask("POST", "/v1/cluster/keys/rotate")) == (409, "NOT_ACTIVE")


@pytest.mark.parametrize("way", ["itself", "itself by http", "another", "another by http", "join"])
def test_removed_self_comes_back(pair: Cluster, alone: AgentProcess, way: str) -> None:
    """By POST at itself with a member's address, by POST at a member with its own, or by a join."""
    post(pair.seed, alone.gossip)
    pair.wait_seen("n3", "alive")
    alone.ask("DELETE", f"{PEERS}/self")
    pair.wait_seen("n3", "left")
    match way:
        case "itself":
            answer = post(alone, pair.seed.gossip)
        case "itself by http":
            answer = post(alone, address_by_http(pair.seed))
        case "another":
            answer = post(pair.seed, alone.gossip)
        case "another by http":
            answer = post(pair.seed, address_by_http(alone))
        case _:
            assert run_shoal("join", pair.seed.gossip, "--http", alone.url).returncode == 0
            answer = Answer(201, b"")
    assert answer.status == 201, answer.body
    if way.startswith("itself"):
        assert answer.json()["id"] == pair.seed.id
    pair.wait_seen("n3", "alive")
    wait_until("n3 sees n2", lambda: alone.sees("n2", "alive"))
    wait_until("n3 is ready", lambda: alone.ask("GET", "/readyz").status == 200)


# --- rights -----------------------------------------------------------------------------------------

ROUTES = (
    ("GET", PEERS, "peers.read"),
    ("GET", f"{PEERS}/{UNKNOWN_ID}", "peers.read"),
    ("POST", PEERS, "peers.write"),
    ("PUT", f"{PEERS}/{UNKNOWN_ID}", "peers.write"),
    ("DELETE", f"{PEERS}/{UNKNOWN_ID}", "peers.write"),
    ("DELETE", f"{PEERS}/self", "admin"),
    ("GET", "/v1/cluster/revocations", ""),
    ("POST", "/v1/cluster/revocations", "admin"),
    ("POST", "/v1/cluster/keys/rotate", "admin"),
)


def test_rights_are_asked_before_existence_and_body(pair: Cluster) -> None:
    """Without a known token 401; with the wrong scope 403, write does not read; with the right one the rest is told."""
    tokens = {scope: token(pair.seed, scope) for scope in ("peers.read", "peers.write", "node:read")}
    for method, path, scope in ROUTES:
        if not scope:
            continue
        for known in (path, path.replace(UNKNOWN_ID, pair.agents[1].id)):
            for wrong in ("", "nobody", "x" * 600, f"{pair.seed.token}x", pair.agents[1].token):
                answer = raw(pair.seed, method, known, b"nonsense", Authorization=f"Bearer {wrong}")
                assert code(answer) == (401, "UNAUTHORIZED"), (method, known, wrong)
            for held, secret in tokens.items():
                if held != scope:
                    answer = raw(pair.seed, method, known, b"nonsense", Authorization=f"bearer {secret}")
                    assert code(answer) == (403, "FORBIDDEN"), (method, known, held)
        if scope in tokens:
            answer = raw(pair.seed, method, path, b"nonsense", Authorization=f"BEARER {tokens[scope]}")
            assert answer.status in (200, 400, 404), (method, path)
    for place in ("X-Nomad-Token", "X-Consul-Token"):
        answer = raw(pair.seed, "GET", PEERS, b"", **{"Authorization": "", place: pair.seed.token})
        assert code(answer) == (401, "UNAUTHORIZED")
    assert raw(pair.seed, "GET", f"{PEERS}?token={pair.seed.token}", b"", Authorization="").status == 401
    assert len(pair.seed.get(PEERS)) == 2
    pair.wait_all_alive()
