"""Consul's clients, as `make clients` installs them, driven from tests.

`client_process` is what a test holds: a client in a process of its own (three of them are one module name), one call a
line. `python_driver.py` and `npm_driver.js` are the other end. `run_py_consul_suite` runs py-consul's own tests.
"""
