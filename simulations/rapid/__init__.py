"""Rapid's experiments (USENIX ATC 2018, section 7), with the production engine.

setup.py has the four set-ups as plans of deeds, experiment.py carries one out and measures, cli.py is
`python -m simulations rapid`.
"""
