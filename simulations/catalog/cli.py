"""python -m simulations catalog: what it costs that members say many things of themselves."""

import json
import sys
from dataclasses import asdict

import click

from node.cli.output import print_table
from simulations.catalog.experiment import Costs, measure


@click.command("catalog")
@click.option("--nodes", type=click.IntRange(2, 1_000), default=100, show_default=True, help="Members.")
@click.option("--facts", type=click.IntRange(1, 1_000), default=40, show_default=True, help="Facts of each.")
@click.option("--size", type=click.IntRange(16, 900), default=250, show_default=True, help="Bytes of a value.")
@click.option("--loss", type=click.FloatRange(0, 0.5), default=0.0, show_default=True, help="Datagrams lost, a share.")
@click.option("--changes", type=click.IntRange(1), default=200, show_default=True, help="Facts changed at one moment.")
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One object per line instead of a table.")
def command(nodes: int, facts: int, size: int, loss: float, changes: int, seed: int, as_json: bool) -> None:
    """Measure a cluster without facts, and one with them, in virtual time."""

    def tell(text: str) -> None:
        sys.stderr.write(f"catalog: {text}\n")
        sys.stderr.flush()

    found = [measure(nodes, each, size, loss, changes, seed, tell) for each in (0, facts)]
    if as_json:
        for costs in found:
            click.echo(json.dumps(asdict(costs)))
    else:
        print_table(("what", "without facts", f"{facts} facts each"), _lines(*found))


def _lines(without: Costs, with_facts: Costs) -> list[tuple[str, str, str]]:
    ones = with_facts.one_change_s
    slowest = None if None in ones else max((one for one in ones if one is not None), default=None)
    return [
        ("idle, bytes sent per node and second", f"{without.idle_bytes:,.0f}", f"{with_facts.idle_bytes:,.0f}"),
        ("all said at one moment: known to all after", "-", _seconds(with_facts.filled_s)),
        ("all said at one moment: told no more, after another", "-", _seconds(with_facts.quiet_s)),
        ("bytes sent per node and second meanwhile", "-", f"{with_facts.tail_bytes:,.0f}"),
        (f"one change, slowest of {len(ones)}", "-", _seconds(slowest)),
        (f"{with_facts.many} changes at one moment", "-", _seconds(with_facts.many_changes_s)),
        ("one fact of 2,500 bytes", "-", _seconds(with_facts.one_large_s)),
        ("one small change each second: bytes sent per node and second", "-", f"{with_facts.churn_bytes:,.0f}"),
        ("one fact of 2,500 bytes meanwhile", "-", _seconds(with_facts.large_in_churn_s)),
    ]


def _seconds(value: float | None) -> str:
    return "not within 120 s" if value is None else f"{value:.2f} s"
