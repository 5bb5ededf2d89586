"""HashiCorp's tests of its Go client for Consul, against agents of ours.

`run` compiles the tests and runs each one in a process of its own, `consul_command` is the program `consul` that they
start, and `not_passing.toml` holds, for each test that does not pass, the reason.
"""
