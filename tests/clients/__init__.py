"""Consul's clients, as `make clients` installs them, driven from tests.

`client_process` is what a test holds: a client in a process of its own (three of them are one module name), one call a
line. `python_driver.py` and `npm_driver.js` are the other end. `run_py_consul_suite` runs py-consul's own tests, and
`go_api` HashiCorp's of its Go client. `watchers` asks as programs do that watch Consul, through the `asker`;
`counting_proxy` counts what a real one asks.
"""
