"""Laws that hold at every step of every run. checker.py says what a checker is; the others are the laws."""

from simulations.checkers.checker import Checker, Watch
from simulations.checkers.story import IncarnationGrows, LegalStates, NoResurrection

ALL_CHECKERS: tuple[type[Checker], ...] = (IncarnationGrows, NoResurrection, LegalStates)

__all__ = ["ALL_CHECKERS", "Checker", "Watch"]
