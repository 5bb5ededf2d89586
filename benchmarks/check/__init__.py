"""Whether the parts of a node cost more than they did: kernels against a baseline in the repository.

    python -m benchmarks check            measure, compare, exit 1 on a loss
    python -m benchmarks check --write    measure, and make this the baseline

Reading order: `measurement` (ratios of kernels to a reference), `baseline` (the file), `verdict` (the
comparison), `command`.
"""
