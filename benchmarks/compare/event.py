"""What a node says of another, in the same words for every product."""

from dataclasses import dataclass
from enum import Enum


class Word(Enum):
    """What is said; a product may have more words, which mean nothing here."""

    ALIVE = "alive"
    SUSPECT = "suspect"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Event:
    """One word of one node."""

    word: Word
    subject: str
    """The name of the node it is said of."""
