"""What README.md and the alert rules name is what there is."""

import re
from pathlib import Path

import click
import pytest

from node.agent.measurement import measure
from node.cli.root import COMMANDS, shoal
from node.config import Config
from node.open import bring_up
from node.setting import settings_table

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()


def _commands() -> list[str]:
    """Find what is typed behind a prompt, with its continued lines, and in code among the words."""
    blocks = re.sub(r"\\\n\s*", " ", README)
    typed = re.findall(r"^    \$ shoal (.+)$", blocks, re.MULTILINE)
    return typed + re.findall(r"`shoal ([^`]+)`", blocks)


def test_readme_settings_table_is_that_of_the_code() -> None:
    """Each row stands there as the code writes it; a bar inside a cell is escaped, or it would end the cell."""
    rows = [line.replace("\\|", "|") for line in README.splitlines()]
    for row in settings_table().splitlines():
        assert row in rows
    for line in README.splitlines():
        if line.startswith("| `--"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 6


@pytest.mark.parametrize("typed", _commands())
def test_readme_commands_and_flags_exist(typed: str) -> None:
    """Every command that the README types exists, and takes the flags it is given there."""
    words = typed.split()
    assert words[0] in COMMANDS
    command = shoal.get_command(click.Context(shoal), words[0])
    if isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words[1].split("|")[0]) if len(words) > 1 else command
    assert command is not None
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known


async def test_alert_rules_use_metrics_that_exist(tmp_path: Path) -> None:
    """A rule over a metric that nobody gives would never fire."""
    rules = (ROOT / "examples" / "alerts.yml").read_text()
    named = set(re.findall(r"shoal_[a-z_]+", "\n".join(re.findall(r"expr: (.+)", rules))))
    async with bring_up(Config.local(name="n1", bind="127.0.0.1:0", data_dir=tmp_path)) as node:
        metrics = measure(node)
    given = {metric.name + ("_bucket" if metric.kind == "histogram" else "") for metric in metrics}
    assert named
    assert named <= given
