"""What an admin's token cannot read: no route of any listener, and no line of a log, has a key or an identity in it."""

import http.client
import json
import os
import socket
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from node.secret_file import IDENTITY_FILE_NAME
from node.state import KEY_FILE_NAME
from node.store import Store
from protocol.security.identity import Identity
from protocol.security.key_file import parse_key_file
from protocol.security.keyring import Keyring, derive_key_id
from tests.api.test_access import ARGUMENTS, CONSUL_ROUTES, ROUTES, concrete
from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.consul_cluster import CONSUL

pytestmark = pytest.mark.end_to_end

STREAMS = ("/v1/cluster/events?index=0", "/v1/agent/monitor?loglevel=debug")
"""Answers without an end: they are read beside all others."""
ENDINGS = {
    ("POST", "/v1/cluster/leave"), ("PUT", "/v1/agent/leave"), ("DELETE", "/v1/peers/self"),
    ("DELETE", "/v1/peers/<path:peer_id>"), ("POST", "/v1/cluster/revocations"), ("PUT", "/v1/agent/reload"),
}  # fmt: skip
"""What would end the node or its peer."""
READ_WITHIN_S = 15.0


@dataclass
class Reader:
    """Asks one listener with the admin token, and keeps each byte that comes back."""

    url: str
    token: str
    read: bytearray = field(default_factory=bytearray)
    asked: int = 0

    def ask(self, method: str, target: str, body: object = None) -> int:
        """Make a request; the status."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=READ_WITHIN_S)
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, target, data, {"Authorization": f"Bearer {self.token}"})
            answer = connection.getresponse()
            self.read += f"{answer.status} {answer.reason} {answer.getheaders()}\n".encode() + answer.read() + b"\n"
            self.asked += 1
            return answer.status
        finally:
            connection.close()

    def follow(self, target: str) -> socket.socket:
        """Begin an answer without an end."""
        parts = urlsplit(self.url)
        stream = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=READ_WITHIN_S)
        head = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {self.token}\r\n\r\n"
        stream.sendall(head.encode())
        first = stream.recv(65_536)
        assert b" 200 " in first.splitlines()[0], first
        self.read += first
        return stream

    def take(self, stream: socket.socket) -> None:
        """Keep what came meanwhile."""
        stream.setblocking(False)
        with suppress(BlockingIOError):
            while chunk := stream.recv(65_536):
                self.read += chunk
        stream.close()


def spellings(secret: bytes) -> Iterator[bytes]:
    """Give how a secret may stand in a text: as it is, in hex, in base64 wherever it begins inside of it, as JSON."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield json.dumps(secret.decode("latin-1"))[1:-1].encode()
    yield repr(secret)[2:-1].encode()
    for encode in (b64encode, urlsafe_b64encode):
        for shift in range(3):
            yield encode(bytes(shift) + secret)[4 if shift else 0 :].rstrip(b"=")[:-2]


def secrets_of(agent: AgentProcess) -> dict[str, bytes]:
    """Read off an ended agent's disk what nobody may learn."""
    identity = Identity.from_bytes((agent.data_dir / IDENTITY_FILE_NAME).read_bytes())
    with Store.open(agent.data_dir) as store:
        blob = store.load_keyring()
    assert blob is not None
    rings = [parse_key_file((agent.data_dir / KEY_FILE_NAME).read_text()), Keyring.from_offer(blob)]
    keys = {key_id.hex(): ring.key_for(key_id) for ring in rings for key_id in ring.key_ids}
    return {
        f"{agent.name}'s seed": identity.seed,
        f"{agent.name}'s exchange secret": identity.exchange_secret,
        **{f"key {id}": key for id, key in keys.items() if key is not None},
    }


def test_keys_and_identities_are_in_no_answer_and_no_log(tmp_path: Path) -> None:
    """At the level debug, every route and method of both listeners, used well and badly, with an admin's token."""
    options = ("--profile", "local", "--log-level", "debug", *CONSUL)
    n1 = AgentProcess("n1", tmp_path, options)
    n2 = AgentProcess("n2", tmp_path, (*options, "--key-file", str(n1.data_dir / KEY_FILE_NAME)))
    given = os.urandom(32)
    try:
        n1.start()
        first = parse_key_file((n1.data_dir / KEY_FILE_NAME).read_text())
        n2.start(join=[n1.gossip])
        wait_until("they know each other", lambda: n1.sees("n2", "alive") and n2.sees("n1", "alive"))
        readers = [Reader(n1.url, n1.token), Reader(str(n1.listening["consul_http"]), n1.token)]
        followed = [(readers[0], readers[0].follow(STREAMS[0]))] + [(readers[1], readers[1].follow(s)) for s in STREAMS]
        for reader in readers:  # a key that a client gives is not told back either, taken or refused
            for body in ({"key": b64encode(given).decode()}, {"key": b64encode(given).decode()[:-3]}, {}):
                reader.ask("POST", "/v1/cluster/keys", body)
        for reader, routes in zip(readers, (ROUTES, CONSUL_ROUTES), strict=True):
            _use_all(reader, routes, n1, n2)
        assert n1.shoal("keys", "list", "--json").returncode == 0
        time.sleep(0.2)  # so that the streams have told of what was done last
        for reader, stream in followed:
            reader.take(stream)
    finally:
        n1.kill()
        n2.kill()
    places = {
        "answers of --http": bytes(readers[0].read), "answers of --consul-http": bytes(readers[1].read),
        **{f"{path.name}": path.read_bytes() for agent in (n1, n2) for path in (agent.log_path, agent.stderr_path)},
    }  # fmt: skip
    assert min(reader.asked for reader in readers) > 40
    assert b"join" in places["answers of --consul-http"]
    secrets = secrets_of(n1) | secrets_of(n2) | {"the key given": given}
    secrets |= {"the first key": first.key_for(first.primary) or b""}
    assert len(set(secrets.values())) >= 7, "two of each node's, the first key, the one given, and that of the rotation"
    taken = f'"id":"{derive_key_id(given).hex()}"'.encode()
    assert taken in readers[0].read, "it was taken, and told by its id"
    for what, secret in secrets.items():
        for spelling in spellings(secret):
            for place, text in places.items():
                assert spelling not in text, f"{what} is in {place}"


def test_spellings_are_found() -> None:
    """The search would find a secret: in the files that hold it, and inside a longer text in base64."""
    secret = os.urandom(32)
    for before in range(4):
        blob = bytes(before) + secret + b"behind"
        for text in (blob, blob.hex().encode(), b64encode(blob), urlsafe_b64encode(blob), repr(blob).encode()):
            assert any(spelling in text for spelling in spellings(secret))
        assert not any(spelling in b64encode(os.urandom(200)) for spelling in spellings(secret))


def _use_all(reader: Reader, routes: Mapping[str, Mapping[str, object]], n1: AgentProcess, n2: AgentProcess) -> None:
    """Ask every route by every method it has but endings, about nobody and about both nodes, well and badly."""
    for method, rule in [(method, rule) for rule, methods in routes.items() for method in methods]:
        if any(rule == stream.partition("?")[0] for stream in STREAMS) or (method, rule) in ENDINGS:
            continue
        for segment in ("nobody", "n1", n1.id, n2.id) if "<" in rule else ("",):
            target = concrete(rule, segment) + ARGUMENTS.get(rule, "")
            for body in (None, {}, {"Name": "web", "key": 5}, b"\xff") if method != "GET" else (None,):
                reader.ask(method, target, body)
