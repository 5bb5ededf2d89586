"""The node of `alarm` that is under load: as an agent runs it, with the lateness of every timer kept.

    python -m benchmarks.http.watched DATA_DIR KEY_FILE SEED

It prints `ports http=PORT control=PORT`, and serves until it is killed. GET /forget on the control port drops the
samples, GET /samples gives those since as a JSON list of seconds.
"""

import sys
from pathlib import Path

import msgspec
import trio

from benchmarks.http.server import bare_asgi, serve_bare
from benchmarks.lateness import RecordingLateness
from node import Config, lifeline, open_node
from node.agent.http import start_http


async def _never() -> None:
    """Reload nothing: there is no SIGHUP here."""


async def main(data_dir: str, key_file: str, seed: str) -> None:
    """Join through the seed, and serve."""
    config = Config.lan(
        name="watched",
        bind="127.0.0.1:0",
        http="127.0.0.1:0",
        join=[seed],
        data_dir=Path(data_dir),
        key_file=Path(key_file),
        log_level="error",
        early_probe=False,  # so that each probe begins with a timer
    )
    async with open_node(config) as node, trio.open_nursery() as nursery:
        lateness = node.driver.lateness = RecordingLateness()

        def control(path: str) -> bytes:
            if path == "/forget":
                lateness.samples.clear()
            return msgspec.json.encode(lateness.samples)

        listening = await start_http(nursery, node, config, trio.Event(), lambda: "", _never)
        control_port = await nursery.start(serve_bare, bare_asgi(control))
        if listening.http is not None:
            print(f"ports http={listening.http.port} control={control_port}", flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    lifeline.hold()
    trio.run(main, sys.argv[1], sys.argv[2], sys.argv[3])
