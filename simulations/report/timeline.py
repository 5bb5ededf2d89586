"""One run, drawn: a row per node, its faults as numbered flags, its changes as marks that say what they are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from simulations.report.mark import (
    FAULT,
    LOOKS,
    VIOLATION,
    Spot,
    compose_sample,
    compose_symbols,
    find_look,
    gather_spots,
)
from simulations.report.time_axis import TimeAxis, lay_out_time
from simulations.report.wording import clock, count, escape, moment, natural, shorten
from simulations.result import Moment, Result, Violation

ROWS_MAX = 60
"""Of a larger cluster, the nodes with faults and then those with the most changes are drawn."""
FAULTS_MAX = 150
"""Flags drawn and listed: a flapping link makes one every few seconds, for hours."""
VIOLATIONS_MAX = 50
TITLE_LINES_MAX = 8
TITLE_CHARS_MAX = 600
"""Moments named in the hover text of one mark, and its length; the others are counted."""
TEXT_CHARS_MAX = 200
NAME_CHARS_MAX = 18
WIDTH = 1_000
ROW_HEIGHT = 26
TOP = 30
"""The row of the flags that concern the whole network."""
BOTTOM = 32
RIGHT = 32
"""Half a label of the axis fits there."""
HATCH = (
    '<pattern id="timeline-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path class="hatch" d="M0 0V6"/></pattern>'
)
CHAR_WIDTH = 7.2
FLAG_SPACE = 20.0
"""Least distance to the next flag in a row for a number to have room."""


def draw_timeline(run: Result, times: Sequence[float]) -> str:
    """Draw a run's timeline with its legend and the list of its faults.

    `run.timeline` is not empty; `times` are the moments around which time is not cut out.
    """
    rows = _choose_rows(run)
    shown = [each for each in run.timeline if each.node in rows or (not each.node and each.kind == "fault")]
    faults = sorted((each for each in shown if each.kind == "fault"), key=lambda fault: fault.at)[:FAULTS_MAX]
    changes = [each for each in shown if each.kind != "fault"]
    violations = run.violations[:VIOLATIONS_MAX]
    gutter = max(len(shorten(name, NAME_CHARS_MAX)) for name in (*rows, "network")) * CHAR_WIDTH + 18
    axis = lay_out_time(times, max(run.virtual_s, *times), gutter, WIDTH - RIGHT)
    height = TOP + len(rows) * ROW_HEIGHT + BOTTOM
    label = (
        f"Timeline of {run.scenario}, seed {run.seed}: {count(len(rows), 'node')}, {count(len(faults), 'fault')}, "
        f"{count(len(changes), 'change')}. The faults are listed below it."
    )
    parts = [
        f'<svg class="plot timeline" role="img" aria-label="{escape(label)}" viewBox="0 0 {WIDTH} {height}">',
        f"<defs>{compose_symbols((*LOOKS, FAULT, VIOLATION))}{HATCH}</defs>",
        *_draw_rows(rows, gutter),
        *_draw_axis(axis, height - BOTTOM),
        *_draw_faults(faults, rows, axis, height - BOTTOM),
        *(_draw_spot(spot, rows) for spot in gather_spots(changes, axis)),
        *_draw_violations(violations, rows, axis),
        "</svg>",
    ]
    left_out = len(_names(run)) - len(rows)
    return _compose_legend(changes, faults, violations) + "".join(parts) + _compose_notes(axis, left_out, faults, run)


def _names(run: Result) -> set[str]:
    seen = {each.node for each in run.timeline} | {sent.node for sent in run.traffic}
    return (seen | {each.node for each in run.violations}) - {""}


def _choose_rows(run: Result) -> dict[str, int]:
    """Give each node that is drawn its row."""
    faults = Counter(each.node for each in run.timeline if each.kind == "fault")
    changes = Counter(each.node for each in run.timeline if each.kind != "fault")
    names = sorted(_names(run), key=natural)
    busiest = sorted(names, key=lambda name: (-min(faults[name], 1), -changes[name]))[:ROWS_MAX]
    return {name: row for row, name in enumerate(sorted(busiest, key=natural))}


def _middle(row: int) -> float:
    return TOP + row * ROW_HEIGHT + ROW_HEIGHT / 2


def _draw_rows(rows: dict[str, int], gutter: float) -> Iterable[str]:
    yield f'<text class="row" x="{gutter - 10:.0f}" y="{TOP - 10:.0f}">network</text>'
    for name, row in rows.items():
        top = TOP + row * ROW_HEIGHT
        if row % 2 == 0:
            yield f'<rect class="stripe" x="0" y="{top}" width="{WIDTH}" height="{ROW_HEIGHT}"/>'
        y = _middle(row)
        yield f'<text class="row" x="{gutter - 10:.0f}" y="{y + 4:.0f}">{escape(shorten(name, NAME_CHARS_MAX))}'
        yield f"<title>{escape(shorten(name, TEXT_CHARS_MAX))}</title></text>"
        yield f'<path class="rail" d="M{gutter:.0f} {y:.0f}H{WIDTH - RIGHT}"/>'


def _draw_axis(axis: TimeAxis, bottom: float) -> Iterable[str]:
    for x, text in axis.ticks():
        yield f'<path class="tick" d="M{x:.1f} {TOP}V{bottom + 5}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 20}">{text}</text>'
    for cut in axis.cuts:
        said = f"nothing happens from {clock(cut.begin)} to {clock(cut.end)}"
        yield (
            f'<g><title>{said}</title><rect class="cut" x="{cut.left:.1f}" y="{TOP}" '
            f'width="{cut.right - cut.left:.1f}" height="{bottom - TOP}"/></g>'
        )


def _draw_faults(faults: Sequence[Moment], rows: dict[str, int], axis: TimeAxis, bottom: float) -> Iterable[str]:
    """Draw each fault's flag and its shade: over its node's row, or over all of them."""
    for fault in faults:
        row = rows.get(fault.node)
        top, end = (TOP, bottom) if row is None else _row_ends(row)
        yield f'<rect class="shade" x="{axis.place(fault.at) - 2.5:.1f}" y="{top}" width="5" height="{end - top:.0f}"/>'
    numbers = _number_flags(faults, axis)
    for number, fault in enumerate(faults, 1):
        x = axis.place(fault.at)
        row = rows.get(fault.node)
        y = TOP - 14.0 if row is None else _middle(row)
        place = f"at {fault.node}" if fault.node else "in the network"
        said = escape(f"fault {number}, {moment(fault.at)} {place}: {shorten(fault.text, TEXT_CHARS_MAX)}")
        text = numbers.get(number, "")
        written = f'<text class="flag" x="{x + 6:.1f}" y="{y + 4:.1f}">{text}</text>' if text else ""
        yield f'<g><title>{said}</title><use href="#mark-fault" x="{x:.1f}" y="{y:.1f}"/>{written}</g>'


def _number_flags(faults: Sequence[Moment], axis: TimeAxis) -> dict[int, str]:
    """Give the text beside each flag. Of flags too near to each other, the last one has the numbers of all."""
    texts: dict[int, str] = {}
    last: dict[str, tuple[int, int, float]] = {}
    for number, fault in enumerate(faults, 1):
        x = axis.place(fault.at)
        first, before, before_x = last.get(fault.node, (number, number, x))
        if x - before_x < FLAG_SPACE:
            texts.pop(before, None)
        else:
            first = number
        texts[number] = _span(first, number)
        last[fault.node] = (first, number, x)
    return texts


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first}\u2013{last}"


def _row_ends(row: int) -> tuple[int, int]:
    return TOP + row * ROW_HEIGHT, TOP + (row + 1) * ROW_HEIGHT


def _draw_spot(spot: Spot, rows: dict[str, int]) -> str:
    lines = [_say(each) for each in spot.moments[:TITLE_LINES_MAX]]
    more = len(spot.moments) - TITLE_LINES_MAX
    rest = f"\nand {more:,} more here" if more > 0 else ""
    y = _middle(rows[spot.node]) + spot.look.level
    return (
        f'<use href="#mark-{spot.look.name}" x="{spot.x:.1f}" y="{y:.1f}">'
        f"<title>{escape(shorten(chr(10).join(lines), TITLE_CHARS_MAX) + rest)}</title></use>"
    )


def _say(change: Moment) -> str:
    about = f" {change.subject}" if change.subject else ""
    text = f": {shorten(change.text, TEXT_CHARS_MAX)}" if change.text else ""
    return f"{moment(change.at)} at {change.node}, {change.kind}{about}{text}"


def _draw_violations(violations: Sequence[Violation], rows: dict[str, int], axis: TimeAxis) -> Iterable[str]:
    for wrong in violations:
        row = rows.get(wrong.node)
        y = TOP - 14.0 if row is None else _middle(row)
        said = f"violation, {moment(wrong.at)}, {wrong.checker}: {shorten(wrong.text, TEXT_CHARS_MAX)}"
        yield (
            f'<g><title>{escape(said)}</title><circle class="halo" cx="{axis.place(wrong.at):.1f}" cy="{y:.1f}" r="8"/>'
            f'<use href="#mark-violation" x="{axis.place(wrong.at):.1f}" y="{y:.1f}"/></g>'
        )


def _compose_legend(changes: Sequence[Moment], faults: Sequence[Moment], violations: Sequence[Violation]) -> str:
    seen = Counter(find_look(change.kind).name for change in changes)
    entries = [(look, seen[look.name]) for look in LOOKS] + [(FAULT, len(faults)), (VIOLATION, len(violations))]
    items = "".join(
        f"<li>{compose_sample(look)}{look.shown} <small>{number:,}</small></li>" for look, number in entries if number
    )
    return f'<ul class="legend">{items}</ul>'


def _compose_notes(axis: TimeAxis, left_out: int, faults: Sequence[Moment], run: Result) -> str:
    notes = []
    if axis.cuts:
        cuts = " and ".join(f"{clock(cut.begin)} to {clock(cut.end)}" for cut in axis.cuts)
        notes.append(f"Hatched: {cuts}, when nothing happens, is cut out.")
    if left_out > 0:
        notes.append(f"{count(left_out, 'further node')} with fewer changes not drawn.")
    unlisted = sum(each.kind == "fault" for each in run.timeline) - len(faults)
    if unlisted > 0:
        notes.append(f"{count(unlisted, 'further fault')} not drawn.")
    text = f'<p class="muted">{" ".join(notes)}</p>' if notes else ""
    return text + _compose_fault_list(faults)


def _compose_fault_list(faults: Sequence[Moment]) -> str:
    if not faults:
        return ""
    items = []
    numbered = groupby(enumerate(faults, 1), key=lambda pair: (pair[1].at, pair[1].text))
    for (at, text), group in numbered:
        alike = list(group)
        nodes = [shorten(fault.node, NAME_CHARS_MAX) for _, fault in alike if fault.node]
        items.append(
            f'<tr><td class="number">{_span(alike[0][0], alike[-1][0])}</td><td class="number">{moment(at)}</td>'
            f"<td>{escape(', '.join(nodes) or 'network')}</td><td>{escape(shorten(text, TEXT_CHARS_MAX))}</td></tr>"
        )
    return (
        '<h4>Faults</h4><div class="wide"><table class="faults"><thead><tr><th class="number" scope="col">flag</th>'
        '<th class="number" scope="col">at</th><th scope="col">where</th><th scope="col">what</th></tr></thead>'
        f"<tbody>{''.join(items)}</tbody></table></div>"
    )
