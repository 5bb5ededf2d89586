"""The cluster under attack: three honest members, which must come out of every test alive and unaccused."""

from collections.abc import Iterator

import pytest

from tests.attack.insider import Insider
from tests.end_to_end.agent_process import wait_until
from tests.end_to_end.cluster import Cluster, running_cluster


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run three members for all attacks."""
    with running_cluster(tmp_path_factory.mktemp("attacked"), 3) as cluster:
        yield cluster


@pytest.fixture
def three(attacked: Cluster) -> Iterator[Cluster]:
    """Give the three members, and check afterwards that they are alive, live, and still probing."""
    attacked.wait_all_alive()
    probes = {agent.name: agent.metric("shoal_probes_total") for agent in attacked.agents}
    yield attacked
    attacked.wait_all_alive()
    for agent in attacked.agents:
        assert not agent.ended
        assert agent.ask("GET", "/livez").status == 200
        wait_until(f"{agent.name} probes on", lambda a=agent: a.metric("shoal_probes_total") > probes[a.name])  # type: ignore[misc]
        assert "Traceback" not in agent.stderr()
        assert not any("exception" in entry for entry in agent.log())


@pytest.fixture
def insider(three: Cluster) -> Iterator[Insider]:
    """Give a member of the same cluster that has introduced itself to n1."""
    mallory = Insider(three.seed, three.key_file)
    mallory.ping()
    yield mallory
    mallory.close()
