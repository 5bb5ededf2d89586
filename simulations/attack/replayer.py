"""The replayer: says again what others did sign, when it is no longer so."""

from protocol.wire.message import Claim
from simulations.attack.attacker import Attacker

CLAIMS_EACH = 4
AGES_S = (0, 1, 60, 3_600, 86_399)


class Replayer(Attacker):
    """Keeps every record, goodbye, accusation and eviction that it ever heard, and tells all of them without end."""

    kind = "replayer"

    def prepare(self) -> None:
        """Begin with the records on its list."""
        for member in self.node.engine.membership:
            self.heard.append(Claim(member.record))

    def speak(self) -> None:
        """Tell one node some old statements, said to be of any age."""
        target = self.next_target()
        if target is None or not self.heard:
            return
        old = [self.heard[self.rng.randrange(len(self.heard))] for _ in range(CLAIMS_EACH)]
        self.tell(target, [Claim(claim.statement, self.rng.choice(AGES_S)) for claim in old])
