"""Command lines run in this process, and an engine that is broken for one test."""

import shlex
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from protocol.swim.effect import Changed, ChangeKind, Effect
from protocol.swim.engine import Engine
from simulations.cli.root import simulations
from simulations.replay import PROGRAM


def invoke(line: str) -> Result:
    """Run `python -m simulations LINE` here."""
    return CliRunner().invoke(simulations, shlex.split(line), prog_name=PROGRAM)


def replayed(output: str) -> str:
    """Give the line that was printed to replay a run, without the program's name."""
    (line,) = [line for line in output.splitlines() if line.startswith("replay: ")]
    return line.removeprefix(f"replay: {PROGRAM} ")


def digest(output: str) -> str:
    """Give the digest that was printed."""
    (line,) = [line for line in output.splitlines() if line.startswith("digest ")]
    return line.split()[1]


def break_engine(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let every engine raise when its timer makes it hold the member with a name failed."""
    serve: Callable[[Engine, float], list[Effect]] = Engine.handle_timer

    def broken(engine: Engine, now: float) -> list[Effect]:
        effects = serve(engine, now)
        for effect in effects:
            if isinstance(effect, Changed) and effect.change.kind is ChangeKind.FAILED and effect.change.name == name:
                raise ZeroDivisionError("no witnesses")
        return effects

    monkeypatch.setattr(Engine, "handle_timer", broken)
