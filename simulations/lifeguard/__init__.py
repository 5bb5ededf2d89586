"""Lifeguard's experiment (arXiv 1707.00788, section 5), with the production engine.

configuration.py has the five configurations and ours, ladder.py the cells (C, D, I), experiment.py runs one
cell, table.py adds up and prints, cli.py is `python -m simulations lifeguard`.
"""
