"""What it costs that members say many things of themselves: bytes while nothing changes, and how soon news is known.

experiment.py carries it out; cli.py is `python -m simulations catalog`.
"""
