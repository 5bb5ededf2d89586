"""Tokens and access control over real processes: what was answered outlives kill -9, and who has too little is told."""

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import nomad
import pytest
import trio
from nomad.api.exceptions import BaseNomadException

from node import lifeline
from node.http_client import ClientError
from node.store import Store
from node.token_keeper import ADMIN_TOKEN_NAME, TokenKeeper, open_tokens
from tests.end_to_end.agent_process import AgentProcess, run_shoal, wait_until

pytestmark = pytest.mark.end_to_end

ROUNDS = 20
KILL_WITHIN_S = 0.05
"""A change takes about a millisecond: some dozens are done, and the kill comes amid one."""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """Prepare an agent of a cluster of its own."""
    agent = AgentProcess("n1", tmp_path, ("--profile", "local"))
    yield agent
    agent.kill()


def _create(agent: AgentProcess, *words: str) -> dict[str, Any]:
    made = agent.shoal("token", "create", "--json", *words)
    assert made.returncode == 0, made.stderr
    answer = json.loads(made.stdout)
    assert isinstance(answer, dict)
    return answer


def _status(agent: AgentProcess, token: str, method: str = "GET", path: str = "/v1/cluster/members") -> int:
    return agent.client(token).exchange(method, path).status


# --- life of a token --------------------------------------------------------------------------------


def test_tokens_outlive_kill_9(agent: AgentProcess) -> None:
    """Made, revoked and expired is what it was, after a kill right behind each answer."""
    agent.start("--acl")
    kept = _create(agent, "--name", "kept", "--scope", "node:read")
    agent.kill()
    agent.start("--acl")
    assert _status(agent, kept["token"]) == 200
    assert _status(agent, kept["token"], path="/v1/cluster/keys") == 403

    short = _create(agent, "--name", "short", "--scope", "node:read", "--expires", "6s")
    assert _status(agent, short["token"]) == 200
    revoked = agent.shoal("token", "revoke", kept["id"])
    assert revoked.returncode == 0
    agent.kill()
    agent.start("--acl")
    assert _status(agent, kept["token"]) == 401
    wait_until("the short one expires", lambda: _status(agent, short["token"]) == 401)
    listed = {row["name"]: row for row in json.loads(agent.shoal("token", "list", "--json").stdout)}
    assert set(listed) == {ADMIN_TOKEN_NAME, "short"}
    assert listed["short"]["expired"] is True
    assert listed["short"]["last_used_at"] is not None
    assert agent.shoal("token", "revoke", kept["id"]).returncode == 1


def test_admin_token_is_ended_by_taking_its_file_away(agent: AgentProcess) -> None:
    """The next start knows its secret no more, and makes another."""
    agent.start()
    first = agent.token
    agent.kill()
    (agent.data_dir / "admin.token").unlink()
    agent.start()
    assert _status(agent, first, path="/v1/cluster/keys") == 401
    assert _status(agent, agent.token, path="/v1/cluster/keys") == 200


def test_admin_token_that_was_revoked_stays_dead(agent: AgentProcess) -> None:
    """With another admin token it can go, and no restart brings it back; the last one cannot go."""
    agent.start()
    first = agent.token
    listed = json.loads(agent.shoal("token", "list", "--json").stdout)
    last = agent.shoal("token", "revoke", listed[0]["id"])
    assert (last.returncode, "last token with admin" in last.stderr) == (1, True)
    other = _create(agent, "--name", "other", "--scope", "admin")
    assert agent.shoal("token", "revoke", listed[0]["id"]).returncode == 0
    agent.kill()
    agent.start()
    assert not (agent.data_dir / "admin.token").exists()
    assert _status(agent, first, path="/v1/cluster/keys") == 401
    assert _status(agent, other["token"], path="/v1/cluster/keys") == 200


# --- access control ---------------------------------------------------------------------------------


def test_acl_with_python_nomad(agent: AgentProcess) -> None:
    """Its token header opens what its scopes say; without one, or with a wrong one, it is Nomad's 403."""
    agent.start("--acl")
    made = _create(agent, "--name", "reader", "--scope", "node:read", "--scope", "agent:read")
    host, port = agent.url.removeprefix("http://").rsplit(":", 1)

    def client(token: str | None) -> Any:
        return nomad.Nomad(host=host, port=int(port), timeout=10, token=token)

    reader = client(made["token"])
    assert reader.agent.get_members()["ServerName"] == "n1"
    assert reader.agent.get_agent()["member"]["Name"] == "n1.global"
    assert "Gauges" in reader.metrics.get_metrics()
    for token, said in ((None, "Permission denied"), ("wrong", "ACL token not found")):
        with pytest.raises(BaseNomadException) as refused:
            client(token).agent.get_members()
        assert (refused.value.nomad_resp.status_code, refused.value.nomad_resp.text) == (403, said)
        assert client(token).agent.request("health", method="get").json()["server"]["ok"]
        assert client(token).regions.get_regions() == ["global"]
    with pytest.raises(BaseNomadException) as refused:
        reader.agent.force_leave("nobody")
    assert refused.value.nomad_resp.text == "Permission denied"
    assert client(agent.token).agent.force_leave("nobody") == 200


def test_acl_and_the_command_line(agent: AgentProcess) -> None:
    """Beside the agent's data directory every command works; elsewhere it is said what to give."""
    agent.start("--acl")
    for words in (("members",), ("info",), ("health",), ("explain", "n1"), ("tags",), ("token", "list")):
        run = agent.shoal(*words)
        assert run.returncode == 0, run.stderr
    refused = run_shoal("members", "--http", agent.url, "--token", "wrong")
    assert refused.returncode == 1
    assert "give --token or SHOAL_TOKEN, or --data-dir" in refused.stderr
    reader = _create(agent, "--name", "reader", "--scope", "node:read")
    assert run_shoal("members", "--http", agent.url, "--token", reader["token"]).returncode == 0
    assert run_shoal("info", "--http", agent.url, "--token", reader["token"]).returncode == 1


def test_http_beyond_loopback_takes_acl_or_a_word(agent: AgentProcess, tmp_path: Path) -> None:
    """Refused with both ways named; served with --acl, and with http.allow_open in the file."""
    agent.http_bind = "0.0.0.0:0"
    agent.spawn()
    try:
        assert agent.wait_end() == 1
    finally:
        agent.kill()
    assert "--acl" in agent.stderr()
    assert "http_allow_open" in agent.stderr()

    agent.start("--acl")
    assert "tokens can be read on their way" in agent.messages()
    agent.kill()
    config = tmp_path / "shoal.toml"
    config.write_text("http.allow_open = true\n")
    agent.start("--config", str(config))
    assert "tokens can be read on their way" not in agent.messages()


# --- secrets ----------------------------------------------------------------------------------------


def test_secrets_are_in_no_log_and_no_answer(agent: AgentProcess) -> None:
    """At the level debug, used well and badly, in every place a client may put it: nothing repeats a secret."""
    agent.start("--acl", "--log-level", "debug")
    made = [_create(agent, "--name", f"t{n}", "--scope", scope) for n, scope in enumerate(("admin", "node:read"))]
    secrets = [agent.token, *(one["token"] for one in made), "shoal-not-a-token-of-anybody-0123456789abcdef"]
    answers: list[str] = []
    paths = ("/v1/agent/self", "/v1/agent/members", "/v1/cluster/members", "/v1/cluster/keys", "/v1/cluster/tokens",
             "/v1/cluster/explain/n1", "/v1/metrics", "/metrics", "/v1/agent/health")  # fmt: skip
    for secret in secrets:
        client = agent.client(secret)
        for path in paths:
            answers.append(client.exchange("GET", path).body.decode())
            answers.append(client.exchange("GET", path, {"token": secret}).body.decode())
        answers.append(client.exchange("DELETE", f"/v1/cluster/tokens/{quote(secret)}").body.decode())
        answers.append(client.exchange("POST", "/v1/cluster/tokens", body={"name": secret}).body.decode())
        answers.append(client.exchange("PUT", "/v1/cluster/tags", body={"set": {}}).body.decode())
    answers += _first_events(agent)
    assert agent.shoal("token", "revoke", made[1]["id"]).returncode == 0
    for words in (("token", "list"), ("info", "--json"), ("token", "revoke", secrets[-1])):
        run = agent.shoal(*words)
        answers += [run.stdout, run.stderr]
    agent.kill()

    written = {
        "log": agent.log_path.read_text(),
        "stderr": agent.stderr(),
        "answers": "\n".join(answers),
        **{file.name: file.read_bytes().decode("latin-1") for file in agent.data_dir.iterdir()},
    }
    assert written["log"].count("was made") == len(made), "what is done with tokens is logged, by their ids"
    assert written["log"].count("was revoked") == 1
    for secret in secrets:
        for place, text in written.items():
            if place == ADMIN_TOKEN_NAME:
                assert (secret in text) == (secret == secrets[0])
            else:
                assert secret not in text, place


def _first_events(agent: AgentProcess) -> list[str]:
    """Read what the stream of events holds at its beginning."""
    with contextlib.suppress(ClientError):
        return [str(next(agent.client().events("/v1/cluster/events", {"index": "0"}, silence_max_s=2)))]
    return []


# --- kill -9 amid changes ---------------------------------------------------------------------------


@dataclass
class Ledger:
    """What was answered, and the one change of each life that was not."""

    made: dict[str, str] = field(default_factory=dict)
    """Secret by id: answered, and no revocation of it was begun."""
    revoked: set[str] = field(default_factory=set)
    """Ids whose end was answered."""
    undecided: set[str] = field(default_factory=set)
    """Ids of revocations that were begun and not answered."""
    change_count: int = 0

    def read(self, words: list[str]) -> None:
        """Take one line."""
        match words:
            case ["made", _, secret, id]:
                self.made[id] = secret
                self.change_count += 1
            case ["revoke", id]:
                self.undecided.add(id)
            case ["revoked", id]:
                self.undecided.discard(id)
                self.made.pop(id, None)
                self.revoked.add(id)
                self.change_count += 1
            case ["kept", id]:
                self.undecided.discard(id)

    def check(self, keeper: TokenKeeper, admin_secret: str | None) -> None:
        """See that the next life knows what was answered, and settle what was not."""
        held = {one.id for one in keeper.list()}
        for id, secret in self.made.items():
            assert id in held or id in self.undecided, "a token that was answered is lost"
            assert (keeper.find(secret) is not None) == (id in held)
        assert not held & self.revoked, "a revoked token is back"
        for id in self.undecided - held:
            self.made.pop(id, None)
        self.undecided.clear()
        assert any("admin" in one.stored.scopes for one in keeper.list()), "nobody may make tokens any more"
        assert admin_secret is None or keeper.find(admin_secret) is not None


def test_tokens_hold_what_was_answered_through_kills(tmp_path: Path) -> None:
    """20 lives of one data directory, each killed at a random moment amid its changes."""
    rng, ledger = Random(7), Ledger()
    data_dir = tmp_path / "data"
    for number in range(ROUNDS):
        _live_and_die(data_dir, number, rng.random() * KILL_WITHIN_S, ledger)
        _check_disk(data_dir, ledger)
    assert ledger.change_count > ROUNDS
    assert ledger.revoked


def _live_and_die(data_dir: Path, seed: int, life_s: float, ledger: Ledger) -> None:
    """Run one process until it was killed, and take down what it answered."""
    environ = os.environ | {lifeline.VARIABLE: str(os.getpid())}
    command = [sys.executable, "-m", "tests.end_to_end.token_process", str(data_dir), str(seed)]
    # unbuffered: else the first line may take others with it, which are then read last
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, env=environ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == ["began"]
        until = time.monotonic() + life_s
        text = b""
        while (left := until - time.monotonic()) > 0:
            if select.select([process.stdout], [], [], left)[0]:
                text += os.read(process.stdout.fileno(), 65_536)
        process.kill()
        text += process.stdout.read()
    for line in re.findall(rb"(.+)\n", text):
        ledger.read(json.loads(line))


def _check_disk(data_dir: Path, ledger: Ledger) -> None:
    async def check() -> None:
        with Store.open(data_dir) as store:
            keeper = await open_tokens(data_dir, store, os.urandom)
            file = data_dir / ADMIN_TOKEN_NAME
            ledger.check(keeper, file.read_text().strip() if file.exists() else None)

    trio.run(check)
