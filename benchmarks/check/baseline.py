"""The baseline: ratios that were measured once, in a file of the repository."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from benchmarks.agent_process import ROOT
from benchmarks.check.measurement import Ratios, Unit

DEFAULT_FILE = ROOT / "benchmarks" / "baseline.json"
DIGITS = 5
"""Of a ratio, as it is written."""


class BadBaseline(Exception):
    """The file cannot be used; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Ratios by unit, and on what they were measured."""

    machine: Mapping[str, object]
    ratios: Mapping[Unit, Ratios]

    @property
    def python(self) -> str:
        """The interpreter: ratios of another differ somewhat."""
        return str(self.machine.get("python", "an unknown Python"))

    @property
    def commit(self) -> str:
        """What was measured."""
        return str(self.machine.get("commit", "unknown"))


def read_baseline(file: Path) -> Baseline:
    """Read a baseline.

    Raises:
        BadBaseline: there is none, or it is damaged.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "it is no text"
        raise BadBaseline(f"No baseline in {file}: {reason}; `python -m benchmarks check --write` makes one.") from None
    try:
        return _parse(json.loads(text))
    except (ValueError, RecursionError) as wrong:
        raise BadBaseline(
            f"The baseline {file} is damaged: {wrong}; `python -m benchmarks check --write` makes another."
        ) from None


def write_baseline(file: Path, baseline: Baseline) -> None:
    """Write it, by unit and label.

    Raises:
        OSError: that is not possible.
    """
    ratios = {
        unit.value: {label: float(f"{ratio:.{DIGITS}g}") for label, ratio in ratios.items()}
        for unit, ratios in baseline.ratios.items()
    }
    file.write_text(json.dumps({"machine": dict(baseline.machine), "ratios": ratios}, indent=2) + "\n", "utf-8")


def _parse(data: Any) -> Baseline:
    if not isinstance(data, dict):
        raise ValueError("it is no JSON object")
    machine, by_unit = data.get("machine"), data.get("ratios")
    if not isinstance(machine, dict) or not isinstance(by_unit, dict):
        raise ValueError("it lacks the machine or the ratios")
    ratios = {unit: _parse_ratios(unit, by_unit[unit.value]) for unit in Unit if unit.value in by_unit}
    if not ratios:
        raise ValueError("it has neither instructions nor CPU times")
    return Baseline(machine, ratios)


def _parse_ratios(unit: Unit, data: Any) -> Ratios:
    if not isinstance(data, dict) or not data:
        raise ValueError(f"it has no ratios of {unit.value}")
    for label, ratio in data.items():
        is_number = isinstance(ratio, int | float) and not isinstance(ratio, bool)
        if not is_number or not isfinite(ratio) or ratio <= 0:
            raise ValueError(f"the ratio of {label!r} is no positive number")
    return {str(label): float(ratio) for label, ratio in data.items()}
