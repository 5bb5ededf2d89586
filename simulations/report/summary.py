"""The table of all scenarios: what ran, what it reached, how fast."""

from collections import Counter
from collections.abc import Sequence

from simulations.report.scenario_group import Group, is_duration
from simulations.report.wording import count, duration, escape, figure, shorten

ROWS_MAX = 200
COUNTS_MAX = 18
"""Counts named per scenario, from the largest; with those of every deed and dial there may be thirty."""
NAME_CHARS_MAX = 60
COLUMNS = ("runs", "nodes", "violations", "virtual time", "virtual s per wall s")


def compose_summary(groups: Sequence[Group]) -> str:
    """Write one row per scenario, and the sum of all."""
    everything = Group("all", tuple(run for group in groups for run in group.runs))
    head = "".join(f'<th class="number" scope="col">{name}</th>' for name in COLUMNS)
    rows = "".join(_compose_row(group) for group in groups[:ROWS_MAX])
    note = f"<p>{count(len(groups) - ROWS_MAX, 'further scenario')} not shown.</p>" if len(groups) > ROWS_MAX else ""
    foot = f"<tfoot>{_compose_row(everything)}</tfoot>" if len(groups) > 1 else ""
    return (
        f'<div class="wide"><table class="summary"><thead><tr><th scope="col">scenario</th>{head}'
        f'<th scope="col">reached</th></tr></thead><tbody>{rows}</tbody>{foot}</table></div>{note}'
    )


def _compose_row(group: Group) -> str:
    sizes = [run.nodes for run in group.runs]
    least, most = min(sizes), max(sizes)
    span = f"{least:,}\u2013{most:,}" if most > least else f"{least:,}"
    speed = figure(group.virtual_s / group.wall_s) if group.wall_s > 0 else "unknown"
    broken = ' class="number broken"' if group.violations else ' class="number"'
    return (
        f'<tr><th scope="row">{escape(shorten(group.scenario, NAME_CHARS_MAX))}</th>'
        f'<td class="number">{len(group.runs):,}</td>'
        f'<td class="number">{span}</td>'
        f"<td{broken}>{group.violations:,}</td>"
        f'<td class="number">{duration(group.virtual_s)}</td>'
        f'<td class="number">{speed}</td>'
        f'<td class="counts">{_compose_counts(group.counts)}</td></tr>'
    )


def _compose_counts(counts: Counter[str]) -> str:
    named = [(name, number) for name, number in counts.items() if number]
    named.sort(key=lambda pair: (-pair[1], pair[0]))
    shown = [_compose_count(name, number) for name, number in named[:COUNTS_MAX]]
    if len(named) > COUNTS_MAX:
        shown.append(f"<span>and {len(named) - COUNTS_MAX} more</span>")
    return " ".join(shown) or "nothing"


def _compose_count(name: str, number: int) -> str:
    most = "\u2264\u00a0" if is_duration(name) else ""
    return f"<span>{escape(shorten(name, NAME_CHARS_MAX))}\u00a0<b>{most}{number:,}</b></span>"
