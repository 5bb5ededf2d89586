"""Measured figures: what a node costs, with the machine, the Python and the commit they were measured on.

    python -m benchmarks micro     the parts, the receive path, and some real processes
    python -m benchmarks compare   beside Serf and kinship, in one run
    python -m benchmarks check     what the parts cost against baseline.json
    python -m benchmarks http      requests per second, and the failure detector under them
    python -m benchmarks scale     CPU, memory, bytes, detection and convergence as a cluster grows, beside the formulas

Reading order: `command` (the kinds of measurement), `figure` (what is printed), then the package of a kind.
`agent_process` and `process_cost` start real agents and read what the kernel says of them; `http_load` loads a route,
`lateness` keeps how late timers were.
"""
