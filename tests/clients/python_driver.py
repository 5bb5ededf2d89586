"""Call one Python client's methods as told: a JSON line in, a JSON line out, until the input ends.

    PYTHONPATH=<folder of the client> python python_driver.py consul|consulate PORT

In:  {"call": "agent.service.register", "args": [...], "kwargs": {...}}; {"$check": ["ttl", "10s"]} among them stands
     for `Check.ttl("10s")`.
Out: {"value": ...} or {"error": "<class>", "text": "..."}.
"""

import importlib
import json
import sys
from functools import partial
from typing import Any


def build(value: Any, check: Any) -> Any:
    """Put the client's own check objects where they are asked for."""
    if isinstance(value, dict) and "$check" in value:
        kind, *rest = value["$check"]
        return getattr(check, kind)(*rest)
    if isinstance(value, dict):
        return {key: build(inner, check) for key, inner in value.items()}
    if isinstance(value, list):
        return [build(inner, check) for inner in value]
    return value


def answer(client: Any, check: Any, order: dict[str, Any]) -> dict[str, Any]:
    """Make one call."""
    try:
        method = client
        for name in order["call"].split("."):
            method = getattr(method, name)
        return {"value": method(*build(order["args"], check), **build(order["kwargs"], check))}
    except Exception as error:
        return {"error": type(error).__name__, "text": str(error)}


def main() -> None:
    """Serve the lines of standard input."""
    name, port = sys.argv[1:]
    module = importlib.import_module(name)
    client = module.Consul(host="127.0.0.1", port=int(port))
    write = partial(print, flush=True, file=sys.stdout)
    for line in sys.stdin:
        write(json.dumps(answer(client, getattr(module, "Check", None), json.loads(line)), default=str))


if __name__ == "__main__":
    main()
