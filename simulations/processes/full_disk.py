"""One member's data directory is on a small disk, which fills up, is emptied, and fills up again before a kill -9.

What must hold: on the full disk the agent runs on, answers, and is alive for all; a change that cannot be stored is
answered with an error and changes nothing; the log says so; once there is room, changes are stored again. What was
answered 200 is there after the kill. A start on the full disk works, or ends with 1 and a sentence that says why.
"""

from typing import Any

from simulations.processes.agent_process import AgentProcess, wait_until
from simulations.processes.checker import Finding, tags_differ
from simulations.processes.scenario import RETURNED_WITHIN_S, SETTLED_WITHIN_S, RealScenario, Stage

DISK_KIB = 1_024
TAGS_PATH = "/v1/cluster/tags"
KEYS_PATH = "/v1/cluster/keys"
SPREAD_S = 2.0
"""After a refused change: had it been made all the same, the others would have heard of it."""
STORED_AGAIN_WITHIN_S = 10.0
"""Once there is room: the agent tries again every 5 s."""
START_WITHIN_S = 20.0


def play(stage: Stage) -> None:
    """Fill, free, fill and kill."""
    agent, disk = stage.start_cluster_with_disk(DISK_KIB)
    kept = {"before": "1"}
    _expect_taken(stage, agent, kept)

    stage.story.tell(f"{disk.fill()} bytes more fill the disk of {agent.name}")
    _check_changes_refused(stage, agent, kept)
    _newcomer_joins(stage, agent)

    disk.free()
    stage.story.tell(f"the disk of {agent.name} has room again")
    stage.story.expect(f"{agent.name} says that it stores again", lambda: _unsaid(agent, "stored again"),
                       STORED_AGAIN_WITHIN_S)  # fmt: skip
    kept["after"] = "2"
    _expect_taken(stage, agent, {"after": "2"})

    disk.fill()
    agent.kill()
    stage.story.tell(f"the disk of {agent.name} is filled again, and {agent.name} killed")
    _check_start_on_full_disk(stage, agent)
    disk.free()
    agent.start()
    stage.story.tell(f"{agent.name} started with room on its disk")
    stage.expect_all_alive(RETURNED_WITHIN_S)
    _expect_tags(stage, agent, kept)
    stage.expect_one_view()
    stage.check_nobody_failed(f"nobody but {agent.name} was ever held failed", agent)


def _expect_taken(stage: Stage, agent: AgentProcess, tags: dict[str, str]) -> None:
    def find() -> list[Finding]:
        answer = agent.ask("PUT", TAGS_PATH, body={"set": tags})
        return [] if answer.status == 200 else [_finding("takes_changes", agent, "a change", answer.status)]

    stage.story.expect(f"{agent.name} answers 200 to tags {tags}", find, STORED_AGAIN_WITHIN_S)


def _expect_tags(stage: Stage, agent: AgentProcess, kept: dict[str, str]) -> None:
    stage.story.expect(
        f"all show {agent.name} with tags {kept}",
        lambda: tags_differ(stage.cluster.views(), agent.name, kept),
        SETTLED_WITHIN_S,
    )


def _check_changes_refused(stage: Stage, agent: AgentProcess, kept: dict[str, str]) -> None:
    story, keys = stage.story, _key_ids(agent)
    answers = (
        ("new tags", agent.ask("PUT", TAGS_PATH, body={"set": {"during": "3"}, "delete": ["before"]})),
        ("a new key", agent.ask("POST", KEYS_PATH, body={})),
    )
    for what, answer in answers:
        findings = [_finding("refuses", agent, what, answer.status)] if answer.status < 400 else []
        story.check(f"{agent.name} refuses {what} ({answer.status})", findings)
    story.rest(SPREAD_S, "what was refused would spread")
    story.check("the tags are as before on all", tags_differ(stage.cluster.views(), agent.name, kept))
    story.check("the keys are as before", _keys_changed(agent, keys))
    live, ready = agent.ask("GET", "/livez").status, agent.ask("GET", "/readyz").status
    story.tell(f"{agent.name} answers /livez with {live}, /readyz with {ready}")
    stage.expect_all_alive(SETTLED_WITHIN_S)


def _newcomer_joins(stage: Stage, agent: AgentProcess) -> None:
    """Let somebody join through the agent, whose address it then wants to store."""
    newcomer = stage.cluster.make(f"n{stage.nodes + 1}")
    newcomer.start(join=[agent.gossip])
    stage.story.tell(f"{newcomer.name} started with --join {agent.name}")
    stage.expect_all_alive(SETTLED_WITHIN_S)
    stage.story.expect(
        f"{agent.name} says that it cannot store", lambda: _unsaid(agent, "the disk is full"), STORED_AGAIN_WITHIN_S
    )


def _check_start_on_full_disk(stage: Stage, agent: AgentProcess) -> None:
    agent.spawn()
    wait_until(f"{agent.name} listens or ends", lambda: agent.ended or agent.logged("listening"), START_WITHIN_S)
    if not agent.ended:
        stage.story.check(f"{agent.name} starts on the full disk", [])
        agent.kill()
        return
    code, said = agent.wait_end(), agent.stderr().strip()
    is_plain = code == 1 and said.count("\n") == 0 and "full" in said
    text = f"{agent.name} started on a full disk ended with {code}, saying {said[-300:]!r}"
    stage.story.check(
        f"a start on the full disk ends with 1: {said}", [] if is_plain else [Finding("plain_end", agent.name, text)]
    )


def _key_ids(agent: AgentProcess) -> list[Any]:
    return [key["id"] for key in agent.get(KEYS_PATH)["keys"]]


def _keys_changed(agent: AgentProcess, before: list[Any]) -> list[Finding]:
    now = _key_ids(agent)
    text = f"{agent.name} holds keys {' '.join(now)} after a refused change; it held {' '.join(before)}"
    return [] if now == before else [Finding("refused_changes_nothing", agent.name, text)]


def _unsaid(agent: AgentProcess, words: str) -> list[Finding]:
    said = agent.messages()
    return [] if words in said else [Finding("says_so", agent.name, f"the log of {agent.name} does not say {words!r}")]


def _finding(checker: str, agent: AgentProcess, what: str, status: int) -> Finding:
    return Finding(checker, agent.name, f"{agent.name} answered {status} to {what}")


SCENARIO = RealScenario(
    "full_disk", "a data directory's disk fills up, is emptied, and fills up before a kill", play, needs="disk", nodes=3
)
