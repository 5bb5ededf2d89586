"""Network namespaces on one switch, as the scenarios over real processes have them."""

from simulations.processes.network import Network, address_of, inside, why_not

__all__ = ["Network", "address_of", "inside", "why_not"]
