"""The newest word about each id that any node of a world ever took: what nobody in the world can know."""

from protocol.swim.revocations import revocation_rank
from protocol.ulid import MemberId
from protocol.wire.statement import Revocation


class Words:
    """Revocations by subject. A word that was lost with its issuer counts as well."""

    def __init__(self) -> None:
        self._newest: dict[MemberId, Revocation] = {}

    def __len__(self) -> int:
        return len(self._newest)

    def take(self, word: Revocation) -> None:
        """Take a word down, if none newer was."""
        held = self._newest.get(word.subject)
        if held is None or revocation_rank(word) > revocation_rank(held):
            self._newest[word.subject] = word

    def get(self, id: MemberId) -> Revocation | None:
        """Find the newest word about an id."""
        return self._newest.get(id)

    def is_out(self, id: MemberId) -> bool:
        """Tell whether the newest word says that an id is out."""
        held = self._newest.get(id)
        return held is not None and held.revoked
