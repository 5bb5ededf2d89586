"""What a node's HTTP bears, and what its failure detector bears of it.

    python -m benchmarks http                  some ten minutes, half of them for the detector
    python -m benchmarks http --alarm-s 0      the routes alone
    python -m benchmarks http --tiny --json    to see that it runs

Reading order: `route` (what is asked for, beside a bare answer), `server` (the process that is asked), `alarm`
(a cluster of which one node is under load), `watched` (that node), `command`.
"""
