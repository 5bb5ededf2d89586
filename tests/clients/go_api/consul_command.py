"""Run an agent of ours as the program `consul` that HashiCorp's tests start: `consul agent -config-file FILE`.

The file is their JSON. What an agent of ours has a setting for is taken from it; ports for DNS, Raft, the WAN pool and
TLS, and whatever is of the service mesh, have none. SHOAL_GO_API_KEY_FILE names the key file that the agents share, so
that one can join another.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from node.cli import main
from node.lifeline import VARIABLE as LIFELINE

KEY_FILE: Final = "SHOAL_GO_API_KEY_FILE"
USAGE: Final = "usage: consul agent -config-file FILE"
LOOPBACK: Final = "127.0.0.1"
LOG_LEVELS: Final = {"trace": "debug", "debug": "debug", "info": "info", "warn": "warning", "err": "error"}


def read_arguments(arguments: list[str]) -> dict[str, Any]:
    """Return the configuration that a command line names.

    Raises:
        SystemExit: it is not the one command that the tests give.
    """
    match arguments:
        case ["agent", "-config-file", file, *_]:  # more files hold services, which ours reads from no file
            config: dict[str, Any] = json.loads(Path(file).read_text())
            return config
        case _:
            raise SystemExit(USAGE)


def shoal_arguments(config: Mapping[str, Any], key_file: str) -> list[str]:
    """Return the command line of `shoal` for a configuration of Consul's."""
    ports, host = config["ports"], config.get("bind_addr", LOOPBACK)
    options = {
        "--name": config["node_name"],
        "--bind": f"{host}:{ports['serf_lan']}",
        "--http": "off",
        "--consul-http": f"{host}:{ports['http']}",
        "--datacenter": config.get("datacenter", "dc1"),
        "--data-dir": config["data_dir"],
        "--key-file": key_file,
        "--profile": "local",
        "--log-level": LOG_LEVELS.get(config.get("log_level", "info"), "info"),
    }
    given = [part for option in options.items() for part in option]
    tags = [part for key, value in config.get("node_meta", {}).items() for part in ("--tag", f"{key}={value}")]
    switches = [
        *(["--acl"] if config.get("acl", {}).get("enabled") else []),
        *(["--enable-script-checks"] if config.get("enable_script_checks") else []),
    ]
    return ["agent", *given, *tags, *switches]


def run() -> None:
    """Run the agent in this process, until the test interrupts it or ends."""
    key_file = os.environ.pop(KEY_FILE)
    os.environ[LIFELINE] = str(os.getppid())
    sys.argv = ["shoal", *shoal_arguments(read_arguments(sys.argv[1:]), key_file)]
    main()


if __name__ == "__main__":
    run()
