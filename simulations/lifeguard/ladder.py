"""The ladder: how many members are troubled, for how long at a time, and with what pause between."""

from dataclasses import dataclass

CONCURRENT = (1, 4, 8, 12, 16, 20, 24, 28, 32)
"""C, the paper's: members troubled at the same moments."""
BLOCKED_MS = tuple(128 * 2**step for step in range(9))
"""D, 128 ms to 32.768 s: how long each trouble lasts."""
FREE_MS = tuple(4**step for step in range(8))
"""I, 1 ms to 16.384 s: how long they are well between two troubles."""

THIN_CONCURRENT = (8, 24)
THIN_BLOCKED_MS = (2_048, 8_192, 16_384, 32_768)
"""Nothing shorter than the shortest suspicion (10.5 s at alpha 5) makes SWIM err more than rarely."""
THIN_FREE_MS = (16, 1_024, 16_384)


@dataclass(frozen=True, slots=True)
class Cell:
    """One rung: C members blocked for D and free for I, again and again."""

    concurrent: int
    blocked_ms: int
    free_ms: int
    repetition: int = 0


def full_ladder(repetitions: int) -> list[Cell]:
    """Give the paper's whole grid: 648 cells."""
    return _grid(CONCURRENT, BLOCKED_MS, FREE_MS, repetitions)


def thin_ladder(repetitions: int) -> list[Cell]:
    """Give 24 of its cells, with the short troubles left out that add next to nothing."""
    return _grid(THIN_CONCURRENT, THIN_BLOCKED_MS, THIN_FREE_MS, repetitions)


def _grid(concurrent: tuple[int, ...], blocked: tuple[int, ...], free: tuple[int, ...], count: int) -> list[Cell]:
    return [Cell(c, d, i, repetition) for repetition in range(count) for c in concurrent for d in blocked for i in free]
