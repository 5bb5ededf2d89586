"""`shoal info`, `health` and `version`."""

import json
import subprocess
import sys

from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import ID_1, FakeAgent, Reply


def test_info_prints_groups(agent: FakeAgent, run: Run) -> None:
    """Identity, configuration and each group of counters have a heading."""
    agent.answer("GET /v1/cluster/identity", {"peer_id": ID_1, "license_id": ""})
    config = {"AdvertiseAddrs": {"HTTP": "a:1", "Serf": "a:2"}, "LeaveOnTerm": True, "Vault": {}}
    stats = {"serf": {"members": "5"}, "raft": {"term": "0"}}
    agent.answer("GET /v1/agent/self", {"config": config, "member": {}, "stats": stats})

    lines = run("info").stdout.splitlines()

    assert [line for line in lines if not line.startswith(" ")] == ["identity", "config", "serf"]
    assert f"  peer_id     {ID_1}" in lines
    assert "  LeaveOnTerm     true" in lines
    assert "  AdvertiseAddrs  HTTP a:1, Serf a:2" in lines
    assert not any("Vault" in line for line in lines)


def test_info_json_joins_both_answers(agent: FakeAgent, run: Run) -> None:
    """One object holds identity, config, member and stats."""
    agent.answer("GET /v1/cluster/identity", {"peer_id": ID_1})
    agent.answer("GET /v1/agent/self", {"config": {}, "member": {}, "stats": {}})

    assert json.loads(run("info", "--json").stdout) == {
        "identity": {"peer_id": ID_1}, "config": {}, "member": {}, "stats": {}
    }  # fmt: skip


def test_health_of_a_well_agent_exits_0(agent: FakeAgent, run: Run) -> None:
    """Both halves are listed, and --type asks for one."""
    agent.answer("GET /v1/agent/health", {"client": {"ok": True, "message": "ok"}})

    result = run("health", "--type", "client")

    assert (result.exit_code, result.stdout) == (0, "client  ok\n")
    assert agent.last().params == [("type", "client")]


def test_health_of_an_agent_that_is_not_well_exits_1_with_the_reason(agent: FakeAgent, run: Run) -> None:
    """The agent's 500 is an answer, not an error of the connection."""
    answer = {"client": {"ok": True, "message": "ok"}, "server": {"ok": False, "message": "not joined"}}
    agent.answer("GET /v1/agent/health", answer, 500)

    plain, as_json = run("health"), run("health", "--json")

    assert (plain.exit_code, plain.stderr) == (1, "shoal: the server half is not well: not joined\n")
    assert (as_json.exit_code, json.loads(as_json.stdout)) == (1, answer)


def test_health_500_without_json_is_one_sentence(agent: FakeAgent, run: Run) -> None:
    """A page of HTML is no health."""
    agent.routes["GET /v1/agent/health"] = Reply(500, b"<html>oops", "text/html")

    result = run("health")

    assert result.exit_code == 1
    assert "not JSON" in result.stderr


def test_version_prints_shoal_and_python(run: Run) -> None:
    """For people a line, for programs an object."""
    plain, as_json = run("version"), run("version", "--json")

    shown = json.loads(as_json.stdout)
    assert plain.stdout == f"shoal {shown['version']} (Python {shown['python']})\n"
    assert shown["python"] == ".".join(map(str, sys.version_info[:3]))


def test_version_and_help_import_neither_trio_nor_tables() -> None:
    """The quick commands stay quick: nothing heavy is imported for them."""
    program = (
        "import sys\n"
        "from node.cli.root import run\n"
        "try:\n"
        "    run(sys.argv[1:])\n"
        "finally:\n"
        "    heavy = {'trio', 'rich', 'http.client', 'msgspec', 'nacl', 'quart', 'asyncio'} & set(sys.modules)\n"
        "    print(sorted(heavy), file=sys.stderr)\n"
    )
    for words in (["version"], ["--help"]):
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)

        assert done.stderr.strip() == "[]", words
