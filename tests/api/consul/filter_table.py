"""What a real Consul 1.8.7 answered to filters over the services of `filter_catalog`.

Each row of filter_table.json: the route, the filter, the status, and the entries that were kept, or the first line of
the refusal. `python -m tests.clients.ask_filters` asks again.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

TABLE: Final = Path(__file__).with_suffix(".json")

Row = tuple[str, str, int, list[str] | str]


def read_table() -> list[Row]:
    """Read the rows."""
    return [(route, text, status, found) for route, text, status, found in json.loads(TABLE.read_text())]


def write_table(rows: Sequence[Row]) -> None:
    """Write the rows, one a line."""
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    TABLE.write_text("[\n" + ",\n".join(lines) + "\n]\n")
