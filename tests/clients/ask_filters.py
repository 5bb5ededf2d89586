"""Ask a real Consul the filters of the table again, and write down what it answers.

    python -m tests.clients.ask_filters 127.0.0.1:8500 127.0.0.1:8600

The addresses are those of the HTTP API of two fresh agents in one cluster, which must be called n1 (a server) and n2
(a client):

    consul agent -dev -node n1 -node-meta rack:r1
    consul agent -node n2 -node-meta rack:r2 -data-dir DIR -retry-join 127.0.0.1:8301 -bind 127.0.0.1 ...

Whoever adds a row writes its route and its filter into the table, and runs this.
"""

import json
import sys
import time
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any, Final
from urllib.parse import quote

from tests.api.consul.filter_catalog import CHECKS, OUTPUT, SERVICES, entries
from tests.api.consul.filter_table import TABLE, write_table

SPREAD_S: Final = 30.0
"""Until what the second agent has registered is in the catalog."""

CHECK_COUNT: Final = 9
"""Of both nodes, their serfHealth among them."""


class Agent:
    """The HTTP API of one agent."""

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(address, timeout=60)

    def ask(self, method: str, target: str, body: Any = None) -> tuple[int, str]:
        """Ask once; return the status and the body."""
        self._connection.request(method, target, None if body is None else json.dumps(body))
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def put(self, target: str, body: Any) -> None:
        """Change something; end with the refusal if there is one."""
        status, text = self.ask("PUT", target, body)
        if status != 200:
            sys.exit(f"{target}: {status} {text}")


def register(first: Agent, second: Agent) -> None:
    """Register the fixed services and checks, and wait until all are in the catalog."""
    for agent, name in ((first, "n1"), (second, "n2")):
        for body in SERVICES[name]:
            agent.put("/v1/agent/service/register", body)
    for check in CHECKS:
        first.put("/v1/agent/check/register", check)
    check_id, output = OUTPUT
    first.put(f"/v1/agent/check/update/{check_id}", {"Status": "passing", "Output": output})
    deadline = time.monotonic() + SPREAD_S
    while True:
        checks = json.loads(first.ask("GET", "/v1/health/state/any")[1])
        if len(checks) == CHECK_COUNT and output in {check["Output"] for check in checks}:
            break
        if time.monotonic() > deadline:
            sys.exit("the services do not come into the catalog")
        time.sleep(0.2)


def main() -> None:
    """Register, ask every row, write the table."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    first = Agent(sys.argv[1])
    register(first, Agent(sys.argv[2]))
    rows = []
    for route, text, *_ in json.loads(TABLE.read_text()):
        try:
            status, body = first.ask("GET", f"/v1/{route}?filter={quote(text, safe='')}")
        except RemoteDisconnected:
            sys.stdout.write(f"left out, for the agent hangs up at it: {route} {text}\n")
            continue
        found = entries(json.loads(body)) if status == 200 else body.rstrip("\n").split("\n")[0]
        rows.append((route, text, status, found))
    write_table(rows)


if __name__ == "__main__":
    main()
