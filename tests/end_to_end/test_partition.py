"""A network that breaks: two halves that lose each other and meet again, and a path that loses UDP alone."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.end_to_end.agent_process import hold_for, wait_until
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.network import Network, address_of, inside, why_not

pytestmark = pytest.mark.end_to_end

HEALED_WITHIN_S = 30.0
"""The promise for the local profile: from the moment the wire is whole until all show all alive."""
PARTED_WITHIN_S = 40.0
"""Until each half holds the other failed: two of five, each failing in its own time."""
GOSSIP_PORT = 7946
HTTP_PORT = 4646


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """Make five hosts on one switch."""
    if reason := why_not():
        pytest.skip(reason)
    network = Network(5)
    yield network
    network.take_down()


@pytest.fixture(scope="module")
def wired(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a cluster with one member on each host."""
    cluster = Cluster(tmp_path_factory.mktemp("wired"), ("--profile", "local", "--http-allow-open"))
    try:
        for number, host in enumerate(network.hosts, 1):
            agent = cluster.make(f"n{number}")
            agent.bind = f"{address_of(number)}:{GOSSIP_PORT}"
            agent.http_bind = f"{address_of(number)}:{HTTP_PORT}"
            agent.home = partial(inside, host)
            agent.place = partial(inside, network.switch)
        cluster.seed.start()
        for agent in cluster.agents[1:]:
            agent.start(join=[cluster.seed.gossip])
        cluster.wait_all_alive()
        yield cluster
    finally:
        cluster.take_down()


def test_two_halves_find_each_other_again(wired: Cluster, network: Network) -> None:
    """Two halves, each holding the other failed, converge by themselves within 30 s of the healing."""
    left, right = [1, 2], [3, 4, 5]
    network.cut(left, right)
    try:

        def parted() -> bool:
            views = {agent.name: agent.statuses() for agent in wired.agents}
            return all(
                views[f"n{one}"].get(f"n{other}") == ("alive" if (one in left) == (other in left) else "failed")
                for one in range(1, 6)
                for other in range(1, 6)
            )

        wait_until("each half holds the other failed, and itself alive", parted, PARTED_WITHIN_S)
    finally:
        network.heal()
    wired.wait_all_alive(HEALED_WITHIN_S)


def test_blocked_udp_between_two_members_fails_nobody(wired: Cluster, network: Network) -> None:
    """Where UDP between two members is blocked, relays and streams keep both alive for all."""
    wired.wait_all_alive()
    failed = len([entry for entry in wired.accusations() if entry["event"] == "member-failed"])
    network.cut([1], [2], "udp")
    try:
        hold_for(10, "nobody fails", lambda: all(
            status in ("alive", "suspect") for agent in wired.agents for status in agent.statuses().values()
        ))  # fmt: skip
    finally:
        network.heal()
    assert len([entry for entry in wired.accusations() if entry["event"] == "member-failed"]) == failed
    wired.wait_all_alive()


def test_cut_off_member_returns_when_the_wire_is_whole(wired: Cluster, network: Network) -> None:
    """One member without network is failed for all, and all are failed for it, until the wire is whole."""
    wired.wait_all_alive()
    network.cut([4], [1, 2, 3, 5])
    try:
        wired.wait_seen("n4", "failed", timeout_s=PARTED_WITHIN_S)
    finally:
        network.heal()
    wired.wait_all_alive(HEALED_WITHIN_S)


def test_data_directory_survives_a_change_of_address(wired: Cluster, network: Network, tmp_path: Path) -> None:
    """A member that comes up at another port of its host is found there by all, without --join."""
    wired.wait_all_alive()
    moved = wired.agent("n5")
    moved.kill()
    moved.bind = f"{address_of(5)}:{GOSSIP_PORT + 1}"
    moved.start()
    wait_until(
        "all show the new address",
        lambda: all(agent.rows()["n5"]["address"] == moved.gossip for agent in wired.agents),
    )
    wired.wait_all_alive()
