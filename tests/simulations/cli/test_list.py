"""list and --help: what there is."""

import json
import subprocess
import sys

from simulations.processes import REAL_SCENARIOS
from simulations.scenarios import SCENARIOS
from tests.simulations.cli.invocation import invoke


def test_list_names_every_scenario_with_promises_and_options() -> None:
    """Each scenario is there with its summary, what it promises, and what --set takes."""
    output = invoke("list").output
    for scenario in SCENARIOS.values():
        assert f"{scenario.name}: {scenario.summary}" in output
        assert all(promise in output for promise in scenario.promises)
        assert all(f"--set {name}=" in output for name in scenario.options)
    assert all(f"{real.name}: {real.summary}" in output for real in REAL_SCENARIOS.values())


def test_list_as_json_is_one_object() -> None:
    """A program gets the same as a person."""
    found = json.loads(invoke("list --json").output)
    assert [scenario["name"] for scenario in found["scenarios"]] == list(SCENARIOS)
    assert [scenario["name"] for scenario in found["real"]] == list(REAL_SCENARIOS)
    assert found["scenarios"][0]["promises"]


def test_help_imports_no_engine() -> None:
    """The table of commands costs click alone."""
    code = (
        "import sys; sys.argv = ['simulations', '--help']\n"
        "from simulations.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('protocol.swim.engine', 'rich', 'distributed', 'msgspec') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "campaign" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_unknown_command_names_the_nearest() -> None:
    """A slip of a finger gets one sentence."""
    result = invoke("cmpaign")
    assert (result.exit_code, result.output) == (
        2,
        "simulations: unknown command 'cmpaign'; did you mean 'campaign'?\n",
    )


def test_real_without_a_name_says_which_there_are() -> None:
    """The scenarios over real processes are listed by their own command too."""
    result = invoke("real")
    assert result.exit_code == 2
    assert all(name in result.output for name in REAL_SCENARIOS)


def test_real_of_an_unknown_name_is_refused() -> None:
    """What is not there is not run."""
    assert invoke("real kill_and_rturn").exit_code == 2
