"""Colours, by name: one value on paper and light screens, one on dark ones.

Series differ in lightness as well as in hue (after Okabe and Ito, 2008, darkened until each has a contrast
of 4.5:1 or more with its ground, as text needs), and the timeline's marks in shape too.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour of the page."""

    name: str
    light: str
    dark: str

    @property
    def reference(self) -> str:
        """Name the colour in CSS."""
        return f"var(--{self.name})"


PAGE = Colour("page", "#f5f6f7", "#14171a")
CARD = Colour("card", "#fffffe", "#1c2024")
INK = Colour("ink", "#1f2328", "#e6e8eb")
MUTED = Colour("muted", "#57606a", "#a7afb8")
GRID = Colour("grid", "#d8dde2", "#383e45")
BAND = Colour("band", "#f0f2f4", "#23282d")
BLUE = Colour("blue", "#0067a5", "#5ab4ec")
GREEN = Colour("green", "#00785a", "#35c79c")
AMBER = Colour("amber", "#966000", "#e9a820")
RED = Colour("red", "#b3261e", "#ff8a75")
PURPLE = Colour("purple", "#7d4296", "#cf9be4")
COLOURS = (PAGE, CARD, INK, MUTED, GRID, BAND, BLUE, GREEN, AMBER, RED, PURPLE)

_NAMED = {colour.light: colour.reference for colour in COLOURS}
_HEX = re.compile("#[0-9a-f]{6}")


def compose_variables() -> str:
    """Write the colours as CSS variables, light at first and dark where the reader's screen is."""

    def declare(values: list[tuple[str, str]]) -> str:
        return ":root{" + "".join(f"--{name}:{value};" for name, value in values) + "}"

    light = declare([(colour.name, colour.light) for colour in COLOURS])
    dark = declare([(colour.name, colour.dark) for colour in COLOURS])
    return f"{light}\n@media screen and (prefers-color-scheme:dark){{{dark}}}"


def name_colours(svg: str) -> str:
    """Replace each light value in a style by its name, so that a plot follows the reader's screen."""
    return _HEX.sub(lambda found: _NAMED.get(found[0], found[0]), svg)
