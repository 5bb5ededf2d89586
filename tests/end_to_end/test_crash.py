"""kill -9 while tokens, revocations, names and the license change: what was answered is there, and nothing else is.

A slice of the rounds runs with the suite. The campaign of a hundred takes a minute or two:

    SHOAL_CRASH_ROUNDS=100 .venv/bin/python -m pytest tests/end_to_end/test_crash.py
"""

import json
import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from node.http_client import Client, UnreachableError
from node.secret_file import write_secret
from protocol.security.license import issue_license
from protocol.security.signing_key import SigningKey
from protocol.ulid import compose_ulid, format_ulid
from tests.end_to_end.agent_process import AgentProcess

pytestmark = pytest.mark.end_to_end

ROUNDS = int(os.environ.get("SHOAL_CRASH_ROUNDS", "12"))
KILLED_WITHIN_S = 0.12
"""After the first request: some dozen changes, of which each thread always has one under way."""
TOKENS_KEPT = 12
"""Beyond these the oldest is revoked again; a node holds 256."""
IDS = [format_ulid(compose_ulid(1_700_000_000_000 + number, bytes([number]) * 10)) for number in range(16)]
ISSUER = SigningKey.generate(lambda size: b"\7" * size)
ISSUED_FROM_MS = 1_700_000_000_000
TOKENS, REVOCATIONS, LICENSE, PEERS = (
    "/v1/cluster/tokens",
    "/v1/cluster/revocations",
    "/v1/cluster/license",
    "/v1/peers",
)


@dataclass(slots=True)
class Cell:
    """One thing that changes: what was answered, and what was asked for and not answered yet."""

    settled: Any = None
    asked: Any = None
    is_open: bool = False
    """Whether the last request was not answered."""

    def ask(self, value: Any) -> None:
        """Note that a change is asked for."""
        self.asked, self.is_open = value, True

    def settle(self) -> None:
        """Note that it was answered."""
        self.settled, self.is_open = self.asked, False

    def check(self, what: str, found: Any) -> None:
        """Compare with what is there after the kill; that is what holds from now on."""
        allowed = [self.settled, *([self.asked] if self.is_open else [])]
        assert found in allowed, f"{what} is {found!r} after the kill, and was {allowed!r} before"
        self.settled, self.is_open = found, False


@dataclass(slots=True)
class Held:
    """A token; without an answer its id and secret are not known."""

    scopes: list[str]
    id: str = ""
    secret: str = ""
    is_there: Cell = field(default_factory=lambda: Cell(False))


@dataclass(slots=True)
class Model:
    """What one node must remember."""

    chance: Random
    tokens: dict[str, Held] = field(default_factory=dict)
    """By name; each name is used once."""
    revocations: dict[str, Cell] = field(default_factory=lambda: {id: Cell() for id in IDS})
    license: Cell = field(default_factory=lambda: Cell(1))
    """max_nodes, which counts the renewals."""
    admin: Cell = field(default_factory=lambda: Cell(True))
    """Whether there is the token that is also the file admin.token."""
    operator: str = ""
    """The secret of another token with admin, which makes all requests."""
    name: Cell = field(default_factory=lambda: Cell("n1"))
    counter: int = 0
    answered: int = 0

    # --- changing: each in a thread of its own, until the node is killed -------------------------

    def change_tokens(self, client: Client) -> None:
        """Make a token, or revoke the oldest."""
        held = [name for name, token in self.tokens.items() if token.is_there.settled and token.id]
        if len(held) > TOKENS_KEPT or (held and self.chance.random() < 0.4):
            token = self.tokens[held[0]]
            token.is_there.ask(False)
            client.send("DELETE", f"{TOKENS}/{token.id}")
        else:
            self.counter += 1
            token = self.tokens[f"token-{self.counter}"] = Held(
                self.chance.sample(["peers.read", "peers.write", "node:read"], 2)
            )
            token.is_there.ask(True)
            made = client.send("POST", TOKENS, body={"name": f"token-{self.counter}", "scopes": token.scopes})
            token.id, token.secret = made["id"], made["token"]
        token.is_there.settle()

    def change_revocations(self, client: Client) -> None:
        """Put some id out, or take it in again."""
        id = self.chance.choice(IDS)
        cell = self.revocations[id]
        cell.ask(not cell.settled)
        client.send("POST", REVOCATIONS, body={"id": id, "revoked": not cell.settled})
        cell.settle()

    def change_license(self, client: Client) -> None:
        """Renew it, for one node more."""
        self.license.ask(self.license.settled + 1)
        client.send("PUT", LICENSE, body=json.loads(license_text(self.license.asked)))
        self.license.settle()

    def revoke_admin_file(self, client: Client) -> None:
        """End the token that is also a file, a moment after the others began."""
        time.sleep(self.chance.uniform(0, KILLED_WITHIN_S / 2))
        (row,) = [token for token in client.get(TOKENS)["tokens"] if token["name"] == "admin.token"]
        self.admin.ask(False)
        client.send("DELETE", f"{TOKENS}/{row['id']}")
        self.admin.settle()

    def change_name(self, client: Client, path: str) -> None:
        """Give the node another display name."""
        self.name.ask(f"{self.chance.random()} " * self.chance.randint(1, 5) + ".")
        client.send("PUT", path, body={"name": self.name.asked})
        self.name.settle()

    # --- checking -------------------------------------------------------------------------------

    def check(self, agent: AgentProcess) -> None:
        """Compare all of it with what the node shows after its restart."""
        client = agent.client(self.operator)
        listed = {token["name"]: token for token in client.get(TOKENS)["tokens"] if token["name"] != "operator"}
        self.admin.check("admin.token", listed.pop("admin.token", None) is not None)
        assert (agent.data_dir / "admin.token").exists() is self.admin.settled
        assert self.admin.settled is False or agent.client().exchange("GET", TOKENS).status == 200
        assert set(listed) <= set(self.tokens)
        for name, token in self.tokens.items():
            token.is_there.check(name, name in listed)
            if name in listed:
                assert sorted(listed[name]["scopes"]) == sorted(token.scopes)
                token.id = listed[name]["id"]
            if token.secret:
                status = agent.client(token.secret).exchange("DELETE", f"{PEERS}/self").status
                assert status == (403 if name in listed else 401), name
        self.tokens = {name: token for name, token in self.tokens.items() if token.is_there.settled}
        words = {word["id"]: word["revoked"] for word in client.get(REVOCATIONS)["revocations"]}
        assert set(words) <= set(IDS)
        for id, cell in self.revocations.items():
            cell.check(id, words.get(id))
        self.license.check("max_nodes", client.get(LICENSE)["license"]["max_nodes"])
        self.name.check("the display name", client.get(f"{PEERS}/{agent.id}")["name"])


def license_text(number: int) -> str:
    """Give the renewal of that number, for as many nodes."""
    return issue_license(
        ISSUER, license_id="acme", max_nodes=number, issued_at_ms=ISSUED_FROM_MS + number * 1000, expires_at_ms=None
    ).text


def _play_round(agent: AgentProcess, model: Model) -> None:
    """Change everything at once, kill the node amid it, and see what it remembers."""
    client, own_path, began = agent.client(model.operator), f"{PEERS}/{agent.id}", threading.Event()
    failures: list[BaseException] = []

    def run(change: Callable[[], None], repeats: bool) -> None:
        try:
            while True:
                began.set()
                change()
                model.answered += 1
                if not repeats:
                    return
        except UnreachableError:
            pass  # killed
        except BaseException as wrong:
            failures.append(wrong)

    changes = [
        (lambda: model.change_tokens(client), True),
        (lambda: model.change_revocations(client), True),
        (lambda: model.change_license(client), True),
        (lambda: model.change_name(client, own_path), True),
    ]
    has_admin_file = model.admin.settled
    if has_admin_file:
        changes.append((lambda: model.revoke_admin_file(client), False))
    threads = [threading.Thread(target=run, args=change) for change in changes]
    for thread in threads:
        thread.start()
    began.wait()
    time.sleep(model.chance.uniform(0, KILLED_WITHIN_S))
    agent.kill()
    for thread in threads:
        thread.join()
    assert not failures, failures
    if not has_admin_file:  # who puts a file there has its secret taken
        write_secret(agent.data_dir / "admin.token", secrets.token_hex(32).encode())
        model.admin = Cell(True)
    agent.start()
    model.check(agent)


def test_kill_amid_changes_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """After each kill -9 at a random point the node starts, and holds what it answered 200 or 201 to, whole."""
    license = tmp_path / "acme.license"
    license.write_text(license_text(1))
    agent = AgentProcess("n1", tmp_path, ("--profile", "local", "--license", str(license)))
    model = Model(Random(secrets.randbits(64)))
    try:
        agent.start()
        made = agent.ask("POST", TOKENS, body={"name": "operator", "scopes": ["admin"]})
        model.operator = made.json()["token"]
        for _ in range(ROUNDS):
            _play_round(agent, model)
    finally:
        agent.kill()
    assert model.answered > ROUNDS, "the kills came before anything was answered: nothing was shown"
