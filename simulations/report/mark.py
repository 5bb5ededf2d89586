"""The marks of the timeline: what each kind of moment looks like, and which of them fall on one spot."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulations.report.palette import AMBER, BLUE, GREEN, INK, MUTED, PURPLE, RED
from simulations.report.time_axis import TimeAxis
from simulations.result import Moment

SPOT_WIDTH = 3.0
"""Marks of one kind that are nearer than this, in one row, become one whose text lists them."""
SPOTS_MAX = 1_500
"""Marks drawn, a megabyte with their texts. Where there are more, spots become wider until there are not."""


@dataclass(frozen=True, slots=True)
class Look:
    """A shape around (0, 0), its colour, and its height within a row."""

    name: str
    shown: str
    path: str
    colour: str
    level: float
    """Distance from the middle of the row: good news above, bad news below, so that they do not hide each other."""
    is_filled: bool = True


_SQUARE = "M-3.5-3.5h7v7h-7z"
JOIN = Look("join", "join", "M-2.6 0a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0z", BLUE.reference, -6.5, is_filled=False)
ALIVE = Look("alive", "alive again", "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z", GREEN.reference, -6.5)
RESTART = Look("restart", "restart", "M0-4.4L4.2 3.4h-8.4z", BLUE.reference, -6.5)
SUSPECT = Look("suspect", "suspect", "M0-4.4L4.4 0L0 4.4L-4.4 0z", AMBER.reference, 0)
FAILED = Look("failed", "failed", _SQUARE, RED.reference, 6.5)
LEAVE = Look("leave", "left", "M0 4.4L4.2-3.4h-8.4z", PURPLE.reference, 6.5)
OTHER = Look("other", "other change", "M-3.4 0h6.8M0-3.4v6.8", MUTED.reference, 0, is_filled=False)
FAULT = Look("fault", "fault", "M-4-5h8v5.5l-4 4l-4-4z", INK.reference, 0)
VIOLATION = Look("violation", "violation", "M-3.8-3.8L3.8 3.8M-3.8 3.8L3.8-3.8", RED.reference, 0, is_filled=False)
LOOKS = (JOIN, ALIVE, RESTART, OTHER, SUSPECT, LEAVE, FAILED)
"""Of changes, in the order they are drawn: what matters most lies on top."""

_BY_KIND = {
    "member-join": JOIN,
    "member-alive": ALIVE,
    "member-restart": RESTART,
    "member-suspect": SUSPECT,
    "member-failed": FAILED,
    "member-leave": LEAVE,
}


def find_look(kind: str) -> Look:
    """Give the look of a change, or of a fault."""
    return FAULT if kind == "fault" else _BY_KIND.get(kind, OTHER)


@dataclass(slots=True)
class Spot:
    """Moments of one look that fall on one place."""

    look: Look
    node: str
    x: float
    moments: list[Moment] = field(default_factory=list)


def gather_spots(moments: Sequence[Moment], axis: TimeAxis) -> list[Spot]:
    """Gather changes into at most SPOTS_MAX spots, in the order they are to be drawn."""
    width = SPOT_WIDTH
    while len(spots := _gather(moments, axis, width)) > SPOTS_MAX and width < axis.width:
        width *= 2
    return sorted(spots, key=lambda spot: _order(spot.look))[:SPOTS_MAX]


def _gather(moments: Sequence[Moment], axis: TimeAxis, width: float) -> list[Spot]:
    spots: dict[tuple[str, str, int], Spot] = {}
    for moment in moments:
        look, x = find_look(moment.kind), axis.place(moment.at)
        key = (look.name, moment.node, int(x // width))
        spots.setdefault(key, Spot(look, moment.node, x)).moments.append(moment)
    return list(spots.values())


def _order(look: Look) -> int:
    return LOOKS.index(look) if look in LOOKS else len(LOOKS)


def compose_symbols(looks: Sequence[Look]) -> str:
    """Write each shape once, to be used by name."""
    return "".join(f'<path id="mark-{look.name}" d="{look.path}" {_paint(look)}/>' for look in looks)


def compose_sample(look: Look) -> str:
    """Write a shape for the legend."""
    return f'<svg class="sample" viewBox="-6 -6 12 12" aria-hidden="true"><path d="{look.path}" {_paint(look)}/></svg>'


def _paint(look: Look) -> str:
    if look.is_filled:
        return f'style="fill:{look.colour};stroke:var(--card);stroke-width:0.6"'
    return f'style="fill:none;stroke:{look.colour};stroke-width:1.6"'
