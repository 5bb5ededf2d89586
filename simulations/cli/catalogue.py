"""The command that says what can be run: list."""

from typing import Any

import click

from simulations.cli.outcome import print_object


@click.command("list", short_help="List the scenarios, what they promise, and their options.")
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def command(as_json: bool) -> None:
    """List the scenarios: what happens, what must hold, and what `run --set` takes.

    \b
    Example:
      python -m simulations list
    """
    from simulations.processes import REAL_SCENARIOS
    from simulations.scenarios import SCENARIOS

    simulated = [
        {
            "name": scenario.name,
            "summary": scenario.summary,
            "promises": list(scenario.promises),
            "spared": scenario.spared.value,
            "options": dict(scenario.options),
            "sizes": list(scenario.sizes),
            "reached": list(scenario.reached),
        }
        for scenario in SCENARIOS.values()
    ]
    real = [{"name": real.name, "summary": real.summary, "needs": real.needs} for real in REAL_SCENARIOS.values()]
    if as_json:
        print_object({"scenarios": simulated, "real": real})
        return
    click.secho("Simulated (run, campaign, shrink):", bold=True)
    for scenario in simulated:
        _print(scenario)
    click.secho("\nOver real processes (real):", bold=True)
    for other in real:
        needs = f" (needs a {other['needs']} of its own, and so root)" if other["needs"] else ""
        click.echo(f"  {click.style(other['name'], bold=True)}: {other['summary']}{needs}")


def _print(scenario: dict[str, Any]) -> None:
    click.echo(f"  {click.style(scenario['name'], bold=True)}: {scenario['summary']}")
    for promise in dict.fromkeys([*scenario["promises"], scenario["spared"]]):
        click.echo(f"      {promise}")
    for name, meaning in scenario["options"].items():
        click.echo(f"      --set {name}=...  {meaning}")
