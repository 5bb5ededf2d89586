"""A program that stands in for `shoal agent` under `shoal up`: it knows its siblings by their directories.

Run as `python -m tests.node.cli.fake_node agent --name n1 ...`. Below the base directory each writes what it
is; a sibling is alive while its process is. The variable FAKE_NODE chooses what goes wrong: `broken:n2` ends at
once, `deaf:n2` ignores SIGINT.
"""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from select import select
from time import monotonic
from typing import Any

from node import lifeline
from node.store_lock import LOCK_FILE_NAME
from tests.node.cli.fake_agent import listing, member

PATIENCE_S = 60.0
"""For a busy machine; a run takes about a second."""
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def say(line: str) -> None:
    """Log a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def option(name: str) -> str:
    """Give the value of a flag, empty without it."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else ""


def is_running(pid: int) -> bool:
    """Tell whether a process runs, and is no zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False).stdout.strip()
    return bool(state) and not state.startswith(b"Z")


def wait_for_end(pid: int) -> None:
    """Wait until a process that is not our child is gone."""
    deadline = monotonic() + PATIENCE_S
    while is_running(pid):
        assert monotonic() < deadline, f"process {pid} is still there"
        select([], [], [], 0.01)


def sibling_listing(base_dir: Path, own_name: str) -> dict[str, Any]:
    """List every node that has ever started below the base directory."""
    found = []
    for file in sorted(base_dir.glob("*/fake.json")):
        entry = json.loads(file.read_text())
        status = "alive" if is_running(entry.pop("pid")) else "failed"
        found.append(member(status=status, is_local=entry["name"] == own_name, member_id=entry.pop("id"), **entry))
    return listing(*found) | {"awareness": 3}


def main() -> None:
    """Serve the member list until SIGINT."""
    lifeline.hold()
    name, data_dir = option("--name"), Path(option("--data-dir"))
    Path(data_dir / "told.json").write_text(
        json.dumps([sys.argv[1:], {k: v for k, v in os.environ.items() if "SHOAL" in k}])
    )
    trouble = (Path(data_dir.parent) / "trouble").read_text() if (data_dir.parent / "trouble").exists() else ""
    if trouble == f"broken {name}":
        say(json.dumps({"event": "failed", "message": "the port is taken"}))
        sys.exit(1)
    if trouble == f"deaf {name}":
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(sibling_listing(data_dir.parent, name)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", int(option("--http").rpartition(":")[2])), Handler)
    member_id = "01HF7YAT00J5H9TKGZ2Q3W8X4" + LETTERS[int(name[1:])]
    (data_dir / LOCK_FILE_NAME).write_text(str(os.getpid()))
    entry = {"id": member_id, "name": name, "pid": os.getpid()}
    (data_dir / "fake.tmp").write_text(json.dumps(entry))
    (data_dir / "fake.tmp").rename(data_dir / "fake.json")
    say("a line that is no JSON")
    listening = {"event": "listening", "gossip": f"127.0.0.1:{7940 + int(name[1:])}"}
    say(json.dumps(listening | {"http": f"127.0.0.1:{server.server_port}"}))
    try:
        server.serve_forever(poll_interval=0.02)
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
