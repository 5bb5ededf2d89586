"""A small synchronous HTTP client for the command line: one agent, one request at a time, every bound set.

Whatever goes wrong reaches the caller as a `ClientError` whose text is one sentence for the person at the
terminal. Proxies of the environment are ignored: an agent is spoken to directly.
"""

import contextlib
import http.client
import io
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit

import msgspec

DEFAULT_URL = "http://127.0.0.1:4646"
REQUEST_TIMEOUT_S = 10.0
"""For a whole request and its answer, however it drips. A handshake never takes longer than this."""
JOIN_TIMEOUT_S = 30.0
"""A join may run a handshake for each address it is given."""
EVENTS_SILENCE_MAX_S = 90.0
"""A stream of events with nothing on it, not even a comment, for this long is taken for dead."""
BODY_SIZE_MAX = 64 * 1024 * 1024
"""10,000 members in full detail are about 15 MiB; what is larger is not an agent's answer."""
EVENT_SIZE_MAX = 1024 * 1024
"""One event carries one change; its line would not be longer than its member's record and evidence."""
ERROR_TEXT_LENGTH_MAX = 300
"""An agent's reasons are one sentence; a page of HTML from something else is cut."""

Params = Mapping[str, str] | Sequence[tuple[str, str]]


class ClientError(Exception):
    """A request did not get its answer; the text is one sentence.

    `status` is the HTTP status if there was one, `code` the agent's code for programs, empty where it gave none.
    """

    def __init__(self, sentence: str, status: int = 0, code: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code


class UnreachableError(ClientError):
    """Nothing spoke HTTP at the address; whether the request had an effect is not known."""


class StreamBrokenError(UnreachableError):
    """A stream of events that had begun broke off."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of any status."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Decode the body.

        Raises:
            ClientError: the body is not JSON.
        """
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            raise ClientError("the answer is not JSON: is this the HTTP address of a shoal agent?") from None


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One server-sent event."""

    kind: str
    index: int | None
    """What to resume after; None where the event had no id."""
    data: Any
    """None: the event says only where the stream stands."""


class Client:
    """Speak to the agent at one URL, with one token. A time of 0 means the default here and below.

    Raises:
        ClientError: the URL is not http://host:port or https://host:port.
    """

    def __init__(self, url: str = DEFAULT_URL, token: str = "", timeout_s: float = 0.0) -> None:
        self._tls, self._host, self._port = _split_url(url)
        self.url = f"{'https' if self._tls else 'http'}://{_bracket(self._host)}:{self._port}"
        self.token = token
        self.timeout_s = timeout_s or REQUEST_TIMEOUT_S

    def get(self, path: str, params: Params = ()) -> Any:
        """Fetch a path and decode its JSON.

        Raises:
            ClientError: no answer, a status other than 2xx, or a body that is not JSON.
        """
        return self.call("GET", path, params).json()

    def send(self, method: str, path: str, params: Params = (), body: Any = None, timeout_s: float = 0.0) -> Any:
        """Make a request that changes something, and decode the answer; None if it has no body.

        Raises:
            ClientError: as `get`.
        """
        answer = self.call(method, path, params, body, timeout_s)
        return answer.json() if answer.body.strip() else None

    def call(self, method: str, path: str, params: Params = (), body: Any = None, timeout_s: float = 0.0) -> Answer:
        """Make a request and give the answer as it came, if its status is 2xx.

        Raises:
            ClientError: no answer within the time (`UnreachableError`), or another status; its text is then the agent's
                reason.
        """
        answer = self.exchange(method, path, params, body, timeout_s)
        if not 200 <= answer.status < 300:
            self.refuse(answer)
        return answer

    def exchange(self, method: str, path: str, params: Params = (), body: Any = None, timeout_s: float = 0.0) -> Answer:
        """Make a request and give the answer as it came, whatever its status.

        Raises:
            ClientError: no answer within the time, no HTTP, or a body of over 64 MiB.
        """
        deadline = _Deadline(timeout_s or self.timeout_s)
        with self._translated(deadline.limit_s), contextlib.closing(self._connection(deadline)) as connection:
            response = self._request(connection, method, path, params, body)
            return Answer(response.status, _read_body(response))

    def events(self, path: str, params: Params = (), silence_max_s: float = 0.0) -> Iterator[ServerEvent]:
        """Follow a stream of server-sent events until the server ends it.

        Raises:
            ClientError: as `call`; `StreamBrokenError` once it had begun and broke off or fell silent.
        """
        deadline = _Deadline(silence_max_s or EVENTS_SILENCE_MAX_S)
        with self._translated(deadline.limit_s), contextlib.closing(self._connection(deadline)) as connection:
            response = self._request(connection, "GET", path, params, None, accept="text/event-stream")
            if response.status != 200:
                self.refuse(Answer(response.status, _read_body(response)))
            with self._translated(deadline.limit_s, StreamBrokenError):
                yield from _read_events(response, deadline)

    def _connection(self, deadline: "_Deadline") -> http.client.HTTPConnection:
        if self._tls:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                self._host, self._port, timeout=self.timeout_s
            )
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=self.timeout_s)

        def respond(sock: socket.socket, **options: Any) -> http.client.HTTPResponse:
            return _DeadlineResponse(sock, deadline, **options)

        connection.response_class = respond  # type: ignore[assignment]
        return connection

    def _request(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        params: Params,
        body: Any,
        accept: str = "application/json",
    ) -> http.client.HTTPResponse:
        query = urlencode(params)
        headers = {"Accept": accept, "Connection": "close"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        encoded = None
        if body is not None:
            encoded = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        connection.request(method, f"{path}?{query}" if query else path, encoded, headers)
        return connection.getresponse()

    @contextlib.contextmanager
    def _translated(self, limit_s: float, kind: type[UnreachableError] = UnreachableError) -> Iterator[None]:
        """Turn what sockets and http.client raise into one sentence."""
        try:
            yield
        except ConnectionRefusedError:
            raise kind(
                f"nothing listens at {self.url}: start an agent with `shoal agent`, "
                "or name the one you mean with --http URL or SHOAL_HTTP_ADDR"
            ) from None
        except TimeoutError:
            raise kind(f"{self.url} did not answer within {limit_s:g} s") from None
        except socket.gaierror:
            raise kind(f"the host name in {self.url} cannot be resolved") from None
        except (http.client.HTTPException, ConnectionError, ValueError) as error:
            reason = type(error).__name__ if isinstance(error, http.client.HTTPException) else str(error)
            raise kind(f"{self.url} did not give an HTTP answer ({reason}): is it an agent?") from None
        except OSError as error:
            raise kind(f"{self.url} cannot be reached: {error.strerror or error}") from None

    def refuse(self, answer: Answer) -> NoReturn:
        """Raise the agent's reason, found in the body of an answer, as a ClientError."""
        reason = _reason(answer.body) or http.client.responses.get(answer.status, "no reason given")
        sentence = f"the agent at {self.url} answered {answer.status}: {reason}"
        if answer.status in (401, 403):
            sentence += " (give --token or SHOAL_TOKEN, or --data-dir of an agent on this machine)"
        raise ClientError(sentence, answer.status, _error_field(answer.body, "code"))


class _Deadline:
    """A moment by which something must have been read; `renew` sets it `limit_s` from now."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.renew()

    def renew(self) -> None:
        self._at = time.monotonic() + self.limit_s

    def remaining_s(self) -> float:
        """Give the seconds left, more than 0.

        Raises:
            TimeoutError: there are none.
        """
        remaining = self._at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining


class _DeadlineReader(io.RawIOBase):
    """Read a socket under a deadline for everything: a socket's own timeout starts anew with every byte."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.remaining_s())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, deadline: _Deadline, **options: Any) -> None:
        super().__init__(sock, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_DeadlineReader(sock, deadline))


def segment(text: str) -> str:
    """Quote a path segment, slashes included."""
    return quote(text, safe="")


def _split_url(url: str) -> tuple[bool, str, int]:
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if (
        parts.scheme not in ("http", "https")
        or not host
        or parts.path not in ("", "/")
        or parts.query
        or parts.username
    ):
        raise ClientError(f"{url!r} is no HTTP address: give http://host:port, as in {DEFAULT_URL}")
    tls = parts.scheme == "https"
    return tls, host, port if port is not None else (443 if tls else 4646)


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _read_body(response: http.client.HTTPResponse) -> bytes:
    body = response.read(BODY_SIZE_MAX + 1)
    if len(body) > BODY_SIZE_MAX:
        raise ValueError(f"over {BODY_SIZE_MAX >> 20} MiB")
    if response.length:  # read(n) says nothing of a body that ended early
        raise http.client.IncompleteRead(body, response.length)
    return body


def _reason(body: bytes) -> str:
    """Find the reason in an error's body: JSON with `error`, or plain text; bounded, and each run of blanks is one.

    It is a server's text: who shows it escapes it.
    """
    text = _error_field(body, "error") or body[: 4 * ERROR_TEXT_LENGTH_MAX].decode(errors="replace")
    line = " ".join(text.split())
    return line if len(line) <= ERROR_TEXT_LENGTH_MAX else line[:ERROR_TEXT_LENGTH_MAX] + "..."


def _error_field(body: bytes, name: str) -> str:
    with contextlib.suppress(msgspec.DecodeError):
        decoded = msgspec.json.decode(body)
        if isinstance(decoded, dict) and isinstance(decoded.get(name), str):
            return str(decoded[name])
    return ""


def _read_events(response: http.client.HTTPResponse, deadline: _Deadline) -> Iterator[ServerEvent]:
    kind, index, data, size = "message", None, [], 0  # type: str, int | None, list[str], int
    while line := response.readline(EVENT_SIZE_MAX):
        deadline.renew()
        size += len(line)
        if size > EVENT_SIZE_MAX:
            raise ValueError(f"an event of over {EVENT_SIZE_MAX >> 10} KiB")
        field, _, value = line.decode(errors="replace").rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            kind = value
        elif field == "id" and value.isascii() and value.isdigit():
            index = int(value)
        elif field == "data":
            data.append(value)
        elif not field and not value:
            if data or index is not None:
                yield _event(kind, index, "\n".join(data))
            kind, index, data, size = "message", None, [], 0
        elif not field:
            size = 0  # a comment: the server is there and has nothing to say


def _event(kind: str, index: int | None, data: str) -> ServerEvent:
    try:
        return ServerEvent(kind, index, msgspec.json.decode(data) if data else None)
    except msgspec.DecodeError:
        raise ValueError("an event that is not JSON") from None
