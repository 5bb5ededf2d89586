"""What the parts of a node cost, one subject a file.

    python -m benchmarks micro                     everything, some three minutes
    python -m benchmarks micro --only receive      one subject
    python -m benchmarks micro --instructions      instructions per call of the kernels
    python -m benchmarks micro --tiny --json       a few repetitions of each, to see that it runs

Reading order: `scale` (how long, and how a call is timed), `subject` (the list of subjects), then a file per subject.
`material` and `peer` make what the subjects work on. `kernel`, `kernel_list`, `instruction` and `counted` are the
pieces of work that are the same to the instruction in every run; `benchmarks.check` holds them against a baseline.
"""
