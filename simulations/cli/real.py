"""The command that holds real processes to the same promises: real."""

import click

from simulations.cli.root import EXIT_USAGE


@click.command("real", short_help="Run a scenario over real processes.")
@click.argument("name", required=False)
@click.option("--nodes", type=int, metavar="N", help="Agents to start; the scenario's own number if left.")
@click.option("--seed", type=int, default=1, show_default=True, help="Decides who is hit.")
@click.option("--duration", type=float, metavar="S", help="Seconds that the fault lasts.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as one object.")
@click.pass_context
def command(
    ctx: click.Context, name: str | None, nodes: int | None, seed: int, duration: float | None, as_json: bool
) -> None:
    """Start `shoal agent` processes, do to them what the scenario NAME says, and look at them by HTTP.

    \b
    Example:
      python -m simulations real kill_and_return --nodes 5
    """
    from simulations.processes import REAL_SCENARIOS, run_real

    if name is None:
        click.echo("which one? There are:", err=True)
        for scenario in REAL_SCENARIOS.values():
            click.echo(f"  {scenario.name}: {scenario.summary}", err=True)
        ctx.exit(EXIT_USAGE)
    ctx.exit(run_real(name, nodes=nodes, seed=seed, duration_s=duration, as_json=as_json))
