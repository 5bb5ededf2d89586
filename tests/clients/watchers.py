"""What programs that watch Consul and Nomad ask, request by request, as their sources have it.

fabio 1.6.3, consul-template 0.20.1 (its Nomad functions: 0.41), envconsul 0.8.0, `consul watch` 1.8.7 and Traefik's
store of keys (kvtools/consul). All of them trust the index: an answer that comes at once with the index they gave is
asked for again at once, and none of them pauses between two answers.

`PROGRAMS` has the loops of each; `watch` runs those of one program side by side and counts what they ask.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from tests.clients.asker import Answer, Asker, AskError, Over

Loop = Callable[[Asker], None]
"""Asks until the asker raises `Over`."""
Read = Callable[[Asker, int], Answer]
"""Makes one request, with an index if it is not 0."""

FABIO_PAUSE_S: Final = 1.0
"""After an error."""
CONSUL_WATCH_PAUSE_S: Final = 5.0
"""After the first error in a row; times the square of their number after more."""
CONSUL_TEMPLATE_PAUSE_S: Final = 0.25
"""After the first error in a row; doubled with each one more."""
LEAVE_S: Final = 5.0
"""For a loop whose time is up to end."""


def fabio_kv(asker: Asker, path: str) -> None:
    """Watch the keys under a path: watchKV of fabio's registry/consul/kv.go."""
    index = 0
    while True:
        try:
            index = asker.kv(path, "consistent=", "recurse=", index=index).index
        except AskError:
            asker.pause(FABIO_PAUSE_S)


def fabio_services(asker: Asker) -> None:
    """Watch all checks, and read each service with a passing one: Watch of fabio's registry/consul/service.go."""
    index = 0
    while True:
        try:
            checks = asker.consul("health/state/any", "consistent=", index=index)
            for name in {check["ServiceName"] for check in checks.value if check["Status"] == "passing"} - {""}:
                asker.consul(f"catalog/service/{name}", "consistent=")
            index = checks.index
        except AskError:
            asker.pause(FABIO_PAUSE_S)


def consul_template(asker: Asker, read: Read) -> None:
    """Watch one dependency, as envconsul does too: poll and fetch of consul-template's watch/view.go."""
    index, failures = 0, 0
    while True:
        try:
            found = read(asker, index).index
        except AskError:
            asker.pause(CONSUL_TEMPLATE_PAUSE_S * 2**failures)
            failures += 1
        else:
            index, failures = found if found >= index else 0, 0


def consul_watch(asker: Asker, read: Read) -> None:
    """Run a watch: RunWithClientAndHclog of Consul's api/watch/plan.go."""
    index, failures = 0, 0
    while True:
        try:
            found = read(asker, index).index
        except AskError:
            failures += 1
            asker.pause(CONSUL_WATCH_PAUSE_S * failures**2)
        else:
            index, failures = found if found >= index else 0, 0


def traefik_kv(asker: Asker) -> None:
    """Watch the keys under a path until an error: WatchTree of kvtools/consul."""
    index = 0
    with suppress(AskError):
        while True:
            index = asker.kv("traefik", "recurse=", "wait=15000ms", index=index).index


def _kv(asker: Asker, index: int, path: str, *parameters: str) -> Answer:
    return asker.kv(path, *parameters, index=index)


def _consul(asker: Asker, index: int, path: str, *parameters: str) -> Answer:
    return asker.consul(path, *parameters, index=index)


def _nomad(asker: Asker, index: int, path: str, *parameters: str) -> Answer:
    return asker.nomad(path, *parameters, index=index)


def _template(read: Callable[..., Answer], path: str, *parameters: str) -> Loop:
    asked = (path, *parameters, "stale=", "wait=60000ms")
    return partial(consul_template, read=lambda asker, index: read(asker, index, *asked))


def _watch(read: Callable[..., Answer], path: str, *parameters: str) -> Loop:
    return partial(consul_watch, read=lambda asker, index: read(asker, index, path, *parameters))


PROGRAMS: Final[dict[str, Sequence[Loop]]] = {
    "fabio": (
        partial(fabio_kv, path="fabio/config"),
        partial(fabio_kv, path="fabio/noroute.html"),
        fabio_services,
    ),
    "consul-template key": (_template(_kv, "a/b"),),
    "consul-template ls": (_template(_kv, "a/", "recurse="),),
    "consul-template service": (_template(_consul, "health/service/web", "passing=1"),),
    "consul-template services": (_template(_consul, "catalog/services"),),
    "consul-template nodes": (_template(_consul, "catalog/nodes"),),
    "envconsul": (_template(_kv, "app/", "recurse="),),
    "consul watch key": (_watch(_kv, "a/b"),),
    "consul watch keyprefix": (_watch(_kv, "a/", "recurse="),),
    "consul watch service": (_watch(_consul, "health/service/web"),),
    "consul watch services": (_watch(_consul, "catalog/services"),),
    "consul watch nodes": (_watch(_consul, "catalog/nodes"),),
    "consul watch checks": (_watch(_consul, "health/state/any"),),
    "consul watch event": (_watch(_consul, "event/list"),),
    "traefik kv": (traefik_kv,),
}
"""What asks on Consul's port."""
NOMAD_PROGRAMS: Final[dict[str, Sequence[Loop]]] = {
    "consul-template nomadServices": (_template(_nomad, "services"),),
    "consul-template nomadService": (_template(_nomad, "service/web"),),
}
"""What asks on Nomad's."""


def watch(loops: Sequence[Loop], port: int, duration_s: float) -> Counter[str]:
    """Run the loops of a program side by side for a time; how often each path was asked for.

    Raises:
        AssertionError: a loop ended in another way than that its time was up.
    """
    until = time.monotonic() + duration_s
    askers = [Asker(port, until) for _ in loops]
    wrong: list[str] = []

    def run(loop: Loop, asker: Asker) -> None:
        try:
            loop(asker)
            wrong.append("a loop ended early")
        except Over:
            pass
        except Exception as error:
            wrong.append(repr(error))
        finally:
            asker.close()

    threads = [
        threading.Thread(target=run, args=(loop, asker), daemon=True) for loop, asker in zip(loops, askers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(duration_s + LEAVE_S)
        assert not thread.is_alive(), "a loop did not end with its time"
    assert not wrong, "; ".join(wrong)
    return sum((asker.counts for asker in askers), Counter())
