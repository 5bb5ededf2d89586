"""Agents with one key file, as the scenarios over real processes have them."""

from simulations.processes.cluster import Cluster, running_cluster

__all__ = ["Cluster", "running_cluster"]
