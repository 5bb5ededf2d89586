"""The measurement of what facts cost: it counts what is sent, and waits for what it says it waits for."""

import json

from click.testing import CliRunner

from simulations.catalog.experiment import Catalog, measure
from simulations.cli.root import simulations


def heard() -> list[str]:
    """Collect nothing yet."""
    return []


def test_catalog_measures_every_step() -> None:
    """Each figure is there, and the same for the same seed."""
    told = heard()
    one = measure(6, 5, 100, 0.0, 12, 1, told.append)
    assert one == measure(6, 5, 100, 0.0, 12, 1, told.append)
    assert told[:2] == ["filling", "idle"]
    assert one.filled_s is not None
    assert one.quiet_s is not None
    assert 0.0 < one.idle_bytes < 2_000.0
    assert len(one.one_change_s) == 5
    assert one.many_changes_s is not None
    assert one.one_large_s is not None


def test_catalog_without_facts_measures_the_cluster_alone() -> None:
    """To compare with."""
    costs = measure(6, 0, 100, 0.0, 12, 1, heard().append)
    assert costs.idle_bytes > 0.0
    assert costs.one_change_s == ()
    assert costs.many_changes_s is None


def test_catalog_counts_the_bytes_of_streams() -> None:
    """A large fact goes by streams alone."""
    catalog = Catalog(5, 0, 100, 0.0, 1)
    catalog.world.run(5.0)
    idle = catalog.idle_bytes(10.0)
    catalog.change(catalog.nodes[0], 0, 3_000)
    assert catalog.idle_bytes(10.0) > idle + 4 * 3_000 / 5 / 10


def test_catalog_is_known_when_all_hold_what_all_say() -> None:
    """Not before, and not when nobody hears."""
    catalog = Catalog(4, 1, 100, 0.0, 1)
    catalog.world.run(2.0)
    catalog.change(catalog.nodes[1], 0)
    took = catalog.spread_s()
    assert took is not None
    assert all(len(node.engine.membership.facts) == 1 for node in catalog.nodes)
    catalog.world.network.cut(catalog.nodes[:1], catalog.nodes[1:], both_ways=True)
    catalog.change(catalog.nodes[1], 0)
    assert not catalog._is_known()


def test_catalog_command_prints_a_table_and_json() -> None:
    """For people and for programs."""
    arguments = ["catalog", "--nodes", "4", "--facts", "3", "--changes", "5"]
    table = CliRunner().invoke(simulations, arguments)
    assert table.exit_code == 0
    assert "idle, bytes sent per node and second" in table.output
    objects = CliRunner().invoke(simulations, [*arguments, "--json"])
    costs = [json.loads(line) for line in objects.output.splitlines() if line.startswith("{")]
    assert [one["facts_each"] for one in costs] == [0, 3]
