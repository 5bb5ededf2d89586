"""The simulator: the engine of `protocol`, unchanged, in a world whose clock, network and troubles are made up.

Reading order:

* `world`: nodes, a network that can be broken, a virtual clock; every draw from one seed.
* `deed`: what can be done to a world, as data. `plan`: a run's deeds and conditions, from which it can be done again.
* `scenario`: how a plan is drawn from a seed, and what must hold; `scenarios` are all of them.
* `run`: a plan carried out under `checkers`, taken down by `recorder`, told as a `result`. `replay` is the one
  command that does a run again, `tracer` writes it down line by line.
* `campaign`: many runs on all cores, or on many machines. `shrink`: a smaller plan that still fails.
* `report`: a page with plots. `lifeguard` and `rapid`: the papers' experiments. `processes`: the same promises,
  held to real processes.
* `cli`: all of it from the command line, `python -m simulations`.

Nouns: a world has nodes; a plan has deeds; a run comes to a result with a digest, counts and violations.
"""
