"""Eight requests about one peer at once, over real processes: answered as if they had come one after the other."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement, count
from random import Random

import pytest

from node.http_client import Answer
from tests.end_to_end.agent_process import AgentProcess
from tests.end_to_end.cluster import Cluster, running_cluster
from tests.node.peer_order import Done, Kind, Place, World, is_explained

pytestmark = pytest.mark.end_to_end

PEERS = "/v1/peers"
AT_ONCE = 8
ROUNDS = 8
"""Before the mend, one in two gave a wrong status."""
SAMPLES = int(os.environ.get("SHOAL_PEER_ORDERS", "30"))
"""Mixtures tried; one takes some 50 ms."""
KINDS = (Kind.POST, Kind.POST_HTTP, Kind.PUT, Kind.DELETE)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run three members; n3 is put out and brought back."""
    with running_cluster(tmp_path_factory.mktemp("three"), 3) as cluster:
        yield cluster


def address_by_http(agent: AgentProcess) -> str:
    """Return host:port of an agent's HTTP listener."""
    return agent.url.removeprefix("http://")


def post(agent: AgentProcess, address: str) -> Answer:
    """Ask for a peer to be added."""
    return agent.ask("POST", PEERS, body={"address": address})


def ask(agent: AgentProcess, peer: AgentProcess, kind: Kind, note: str) -> int:
    """Make one request about a peer; the status."""
    path = f"{PEERS}/{peer.id}"
    if kind is Kind.PUT:
        return agent.ask("PUT", path, body={"name": note}).status
    if kind is Kind.DELETE:
        return agent.ask("DELETE", path).status
    return post(agent, address_by_http(peer) if kind is Kind.POST_HTTP else peer.gossip).status


def world(agent: AgentProcess, peer: AgentProcess) -> World:
    """Return how a peer stands for an agent."""
    answer = agent.ask("GET", f"{PEERS}/{peer.id}")
    if answer.status == 200:
        name = answer.json()["name"]
        return World(Place.MEMBER, "" if name == peer.name else name)
    words = agent.get("/v1/cluster/revocations")["revocations"]
    is_out = any(word["id"] == peer.id and word["revoked"] for word in words)
    return World(Place.OUT if is_out else Place.AWAY)


@pytest.mark.parametrize("ways", [("gossip",), ("gossip", "localhost", "http")])
def test_deleted_peer_is_added_by_exactly_one_of_eight(three: Cluster, ways: Sequence[str]) -> None:
    """One 201 and seven 409, each time, by one address or by several that lead to the same peer."""
    first, _, third = three.agents
    by_way = {
        "gossip": third.gossip,
        "localhost": third.gossip.replace("127.0.0.1", "localhost"),
        "http": address_by_http(third),
    }
    addresses = [by_way[ways[number % len(ways)]] for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(ROUNDS):
            assert first.ask("DELETE", f"{PEERS}/{third.id}").status == 200
            answers = list(pool.map(lambda address: post(first, address), addresses))
            wrong = [answer.body for answer in answers if answer.status not in (201, 409)]
            assert Counter(answer.status for answer in answers) == {201: 1, 409: AT_ONCE - 1}, wrong
    three.wait_all_alive()


def test_mixtures_of_requests_are_answered_as_in_some_order(three: Cluster) -> None:
    """POST by gossip and by HTTP, PUT and DELETE: each status, and how the peer stands in the end."""
    first, _, third = three.agents
    rng, moments = Random(3), count()
    mixtures = list(combinations_with_replacement(KINDS, AT_ONCE))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(SAMPLES):
            kinds = rng.sample(rng.choice(mixtures), AT_ONCE)
            begin = world(first, third)

            def run(at: int, kinds: Sequence[Kind] = kinds, number: int = number) -> Done:
                note, began = f"{number} {at}", next(moments)
                status = ask(first, third, kinds[at], note)
                return Done(kinds[at], note, began, next(moments), status)

            history = list(pool.map(run, range(AT_ONCE)))
            end = world(first, third)
            assert is_explained(begin, history, end), (
                f"mixture {number}: no order gives {[str(done) for done in history]} and {end} from {begin}"
            )
    assert post(first, third.gossip).status in (201, 409)
    three.wait_all_alive()
