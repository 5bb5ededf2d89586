"""One connection of a program that watches, as HashiCorp's Go clients ask: counted, and for a time."""

import gzip
import http.client
import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

GO_HEADERS: Final = {"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"}


class Over(Exception):
    """The time of a loop is up."""


class AskError(Exception):
    """An answer that the Go client takes for an error."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the Go client hands to a program."""

    index: int
    value: Any
    """None for a 404."""


class Asker:
    """One connection to an agent on loopback, until a time on the monotonic clock."""

    def __init__(self, port: int, until: float) -> None:
        self.counts: Counter[str] = Counter()
        """Requests by path."""
        self._until = until
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def kv(self, path: str, *parameters: str, index: int = 0) -> Answer:
        """Read Consul's store, in which 404 is an answer: nothing is there.

        Raises:
            AskError: another status, or no index.
            Over: the time is up before the answer is there.
        """
        return self._ask(f"/v1/kv/{path}", parameters, index, "X-Consul-Index", (200, 404))

    def consul(self, path: str, *parameters: str, index: int = 0) -> Answer:
        """Read anything else of Consul; only 200 is an answer. Raises as `kv`."""
        return self._ask(f"/v1/{path}", parameters, index, "X-Consul-Index", (200,))

    def nomad(self, path: str, *parameters: str, index: int = 0) -> Answer:
        """Read from Nomad; only 200 is an answer. Raises as `kv`."""
        return self._ask(f"/v1/{path}", parameters, index, "X-Nomad-Index", (200,))

    def pause(self, duration_s: float) -> None:
        """Wait as a program does after an error.

        Raises:
            Over: the time is up first.
        """
        time.sleep(min(duration_s, self._left_s()))
        self._left_s()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _left_s(self) -> float:
        left_s = self._until - time.monotonic()
        if left_s <= 0:
            raise Over
        return left_s

    def _ask(
        self, path: str, parameters: tuple[str, ...], index: int, header: str, statuses: tuple[int, ...]
    ) -> Answer:
        query = "&".join(sorted([*parameters, *([f"index={index}"] if index else [])]))
        left_s = self._left_s()
        self.counts[path] += 1
        try:
            if self._connection.sock is None:
                self._connection.connect()
            self._connection.sock.settimeout(left_s)
            self._connection.request("GET", f"{path}?{query}" if query else path, headers=GO_HEADERS)
            response = self._connection.getresponse()
            body = response.read()
            if response.getheader("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
        except TimeoutError:
            self._connection.close()
            raise Over from None
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise AskError(f"{path}: {error!r}") from None
        found = response.getheader(header, "")
        if response.status not in statuses or not found.isdecimal():
            raise AskError(f"{path}: {response.status}, index {found!r}")
        return Answer(int(found), json.loads(body) if response.status == 200 else None)
