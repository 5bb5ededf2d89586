"""What a node costs and does as its cluster grows, drawn against the formulas.

    python -m benchmarks scale                            5 to 200 real processes, 1,000 and 10,000 simulated members
    python -m benchmarks scale --nodes 5,20 --simulated none --html growth.html
    python -m benchmarks scale --tiny --json              few and briefly, to see that it runs

Reading order: `formula` (what theory says), `curve` (what is measured, and held against it), `extent` (how much of it),
`real` (processes, with `agent_log` and `loopback`), `simulated` and `apart` (the simulator, in a process of its own),
`room` (whether it fits), then `table`, `plot` and `page`.
"""
