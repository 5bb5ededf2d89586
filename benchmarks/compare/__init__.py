"""Shoal beside its peers, in one run: the same cluster of real processes of each product, in turn.

    python -m benchmarks compare --peers serf,kinship --nodes 5,20,50

Reading order: `event` (what a node says of another, whatever the product), `product` and one file for each
(`shoal`, `serf`, `kinship`, with `kinship_node` as the program its nodes run), `place` and `private_network` (where a
cluster lives), `node_process`, `hearing` and `story` (who said what when), `cluster`, `cycle` (what is done to one, and
measured), `plan` (in which order), `row` (the figures and their targets), `tally`, and what is shown: `teller`,
`table`, `page`, `plot`.
"""
