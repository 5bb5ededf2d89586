"""A real `shoal agent` as a test drives it: the scenarios over real processes drive the same one."""

from simulations.processes.agent_process import SEEN_TIMEOUT_S, AgentProcess, NotSo, hold_for, run_shoal, wait_until

__all__ = ["SEEN_TIMEOUT_S", "AgentProcess", "NotSo", "hold_for", "run_shoal", "wait_until"]
