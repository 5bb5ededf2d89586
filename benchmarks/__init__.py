"""Measured figures: what a node costs, with the machine, the Python and the commit they were measured on.

    python -m benchmarks micro                     everything, some three minutes
    python -m benchmarks micro --only receive      one subject
    python -m benchmarks micro --tiny --json       a few repetitions of each, to see that it runs

Reading order: `figure` (what is printed), `scale` (how long, and how a call is timed), `subject` (the list of
subjects), then a file per subject. `material` and `peer` make what the subjects work on; `agent_process`
and `process_cost` start real agents and read what the kernel says of them.
"""
