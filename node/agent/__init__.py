"""`shoal agent`: a node with its HTTP façade, signals and service manager.

The one place that joins `node` and `api`. `run` is the process's life, `view` what the façade sees of the
node, `story` its evidence in words, `measurement` its figures.
"""

from node.agent.run import run_agent

__all__ = ["run_agent"]
