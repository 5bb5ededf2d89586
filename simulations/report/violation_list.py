"""Every run with a violation: what was seen, and the command that replays it."""

from collections.abc import Sequence
from itertools import accumulate

from simulations.report.wording import count, escape, moment, shorten
from simulations.result import Result, Violation

RUNS_MAX = 100
"""Runs whose violations are told; of the others the command is listed."""
PER_RUN_MAX = 5
"""What breaks once is mostly seen at every node; the first ones say what it is."""
TEXT_CHARS_MAX = 500
COMMANDS_CHARS_MAX = 500_000
"""Commands listed, together: a quarter of what the page may weigh."""


def compose_violations(results: Sequence[Result]) -> str:
    """Write the list; where there is no violation, say of how many runs that is true."""
    broken = [run for run in results if run.violations]
    if not broken:
        return f'<p class="good">No violation in {count(len(results), "run")}.</p>'
    total = sum(len(run.violations) for run in broken)
    lead = (
        f'<p class="bad">{count(total, "violation")} in {len(broken):,} of {count(len(results), "run")}. '
        "Each command replays its run, event by event.</p>"
    )
    affordable = _count_affordable(broken)
    told, named = broken[: min(RUNS_MAX, affordable)], broken[RUNS_MAX:affordable]
    left = len(broken) - affordable
    note = f"<p>{count(left, 'further run')} with a violation not listed.</p>" if left else ""
    return lead + "".join(_compose_run(run) for run in told) + _compose_rest(named) + note


def _count_affordable(runs: Sequence[Result]) -> int:
    """Count the runs, from the first, whose commands there is room for."""
    totals = accumulate(len(run.command) + 1 for run in runs)
    return sum(total <= COMMANDS_CHARS_MAX for total in totals)


def _compose_run(run: Result) -> str:
    title = f"{run.scenario}, seed {run.seed}, {count(run.nodes, 'node')}, profile {run.profile}"
    told = "".join(_compose_violation(each) for each in run.violations[:PER_RUN_MAX])
    more = len(run.violations) - PER_RUN_MAX
    rest = f"<li>and {count(more, 'more', 'more')} in this run</li>" if more > 0 else ""
    return (
        f'<article class="violation"><h3>{escape(shorten(title, TEXT_CHARS_MAX))}</h3>'
        f"<pre><code>{escape(run.command)}</code></pre><ul>{told}{rest}</ul></article>"
    )


def _compose_violation(violation: Violation) -> str:
    where = f" at {escape(shorten(violation.node, TEXT_CHARS_MAX))}" if violation.node else ""
    return (
        f"<li><b>{escape(shorten(violation.checker, TEXT_CHARS_MAX))}</b>, {moment(violation.at)}{where}: "
        f"{escape(shorten(violation.text, TEXT_CHARS_MAX))}</li>"
    )


def _compose_rest(runs: Sequence[Result]) -> str:
    if not runs:
        return ""
    listed = "\n".join(escape(run.command) for run in runs)
    return f'<h3>{count(len(runs), "further run")} with a violation</h3><pre class="rest"><code>{listed}</code></pre>'
