"""Attackers: members that hold the cluster key, and say under their own and made-up names what they like.

Read attacker.py (what all share), mask.py (how the engine behind one is kept, and lied about), voice.py (who
signs); then one file for each kind: boaster, liar, forger, replayer, equivocator, flooder, slow_stream, stubborn.
gauge.py tells what all of it came to.
"""

from simulations.attack.attacker import Attacker
from simulations.attack.boaster import Boaster
from simulations.attack.equivocator import Equivocator
from simulations.attack.flooder import Flooder
from simulations.attack.forger import Forger
from simulations.attack.gauge import Gauge
from simulations.attack.liar import Liar
from simulations.attack.replayer import Replayer
from simulations.attack.slow_stream import SlowStream
from simulations.attack.stubborn import Stubborn

ATTACKERS: dict[str, type[Attacker]] = {
    attacker.kind: attacker
    for attacker in (Boaster, Equivocator, Flooder, Forger, Liar, Replayer, SlowStream, Stubborn)
}
"""By kind."""

__all__ = ["ATTACKERS", "Attacker", "Gauge"]
