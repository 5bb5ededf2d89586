"""Laws that hold at every step of every run.

checker.py says what a checker is, shadow.py what each list held a step ago, watch.py how both see a run. Then the laws:
story.py (one observer and one member over time), record.py (who said what), own.py (what a node says of itself),
verdict.py (when a verdict may be reached), told.py (events), part.py (one engine's parts agree), bound.py (nothing
grows without end), silence.py (who is gone, and is spoken to), revocation.py (who is out), removal.py (why rows go),
seat.py (how many may come in), fact.py (what members say of themselves). spared.py differs from scenario to scenario.
"""

from simulations.checkers.bound import Bounds
from simulations.checkers.checker import Checker
from simulations.checkers.fact import FactsGrow, FactsSaid
from simulations.checkers.own import OwnIncarnation, OwnStatus, PersistedFirst
from simulations.checkers.part import PartsAgree
from simulations.checkers.record import Genuine, OneRecord
from simulations.checkers.removal import RemovedWithCause
from simulations.checkers.revocation import OutStaysOut, WordsGrow
from simulations.checkers.seat import Seats
from simulations.checkers.silence import QuietAboutTheDead, SilentAfterLeave
from simulations.checkers.story import IncarnationGrows, LegalStates, NoResurrection
from simulations.checkers.told import ToldChanges
from simulations.checkers.verdict import StalledJudge, VerdictInTime
from simulations.checkers.watch import Watch

ALL_CHECKERS: tuple[type[Checker], ...] = (
    IncarnationGrows,
    NoResurrection,
    LegalStates,
    OneRecord,
    Genuine,
    OwnIncarnation,
    OwnStatus,
    PersistedFirst,
    VerdictInTime,
    StalledJudge,
    ToldChanges,
    PartsAgree,
    Bounds,
    SilentAfterLeave,
    QuietAboutTheDead,
    OutStaysOut,
    WordsGrow,
    RemovedWithCause,
    Seats,
    FactsSaid,
    FactsGrow,
)

__all__ = ["ALL_CHECKERS", "Checker", "Watch"]
