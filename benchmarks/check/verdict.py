"""The comparison: what each kernel costs now against what it cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LOSS_MAX = 0.25
"""A kernel that costs this much more than in the baseline, or beyond, is a loss."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kernel; a ratio is None where it is only in the other of the two."""

    label: str
    before: float | None
    now: float | None

    @property
    def change(self) -> float | None:
        """What is added to the cost, as a share of what it was: 0.25 is a quarter more."""
        if self.before is None or self.now is None:
            return None
        return self.now / self.before - 1

    @property
    def is_loss(self) -> bool:
        """Whether it costs too much more; rounding at the limit counts for the code."""
        return self.change is not None and self.change >= LOSS_MAX - 1e-9

    @property
    def word(self) -> str:
        """Say what became of it."""
        if self.before is None:
            return "new"
        if self.now is None:
            return "gone"
        return "LOSS" if self.is_loss else "ok"

    def as_json(self) -> dict[str, object]:
        """Give it for a machine to read."""
        return {
            "label": self.label,
            "before": self.before,
            "now": self.now,
            "change": self.change,
            "verdict": self.word,
        }


def compare(before: Mapping[str, float], now: Mapping[str, float]) -> list[Row]:
    """Put two measurements side by side, in the order of the later one; what is gone comes last."""
    labels = [*now, *(label for label in before if label not in now)]
    return [Row(label, before.get(label), now.get(label)) for label in labels]


def format_rows(rows: Sequence[Row]) -> str:
    """Lay rows out as a table."""
    width = max(len("kernel"), *(len(row.label) for row in rows))
    lines = [f"{'kernel':<{width}}  {'baseline':>9}  {'now':>9}  {'change':>8}"]
    for row in rows:
        change = "" if row.change is None else f"{100 * row.change:+.1f} %"
        lines.append(f"{row.label:<{width}}  {_ratio(row.before):>9}  {_ratio(row.now):>9}  {change:>8}  {row.word}")
    return "\n".join(lines)


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
