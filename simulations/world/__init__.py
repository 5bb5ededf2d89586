"""The world: production engines, a virtual clock, and a network that can be broken.

Read schedule.py (time), node.py (a process and its disk), network.py (what links do), object_transport.py and
stream.py (how what engines say travels as objects), then world.py, which joins them. ledger.py knows who
signed what; trace.py makes one number of a whole run. sealed_transport.py, sealed_stream.py and sealed_key.py
let everything travel as the bytes of the node instead.
"""

from simulations.world.network import Latency, Network
from simulations.world.node import Clock, Disk, Node
from simulations.world.schedule import Schedule
from simulations.world.step import Step, Watcher
from simulations.world.world import EPOCH_MS, World

__all__ = ["EPOCH_MS", "Clock", "Disk", "Latency", "Network", "Node", "Schedule", "Step", "Watcher", "World"]
