"""Who is put out stays out, with its key and its disk intact, whatever it tries; and is taken in again by a word."""

import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from node.http_client import Answer
from protocol.security.signing_key import SigningKey, format_public_key
from tests.end_to_end.agent_process import AgentProcess, hold_for, run_shoal, wait_until
from tests.end_to_end.cluster import Cluster

pytestmark = pytest.mark.end_to_end

PEERS = "/v1/peers"
REVOCATIONS = "/v1/cluster/revocations"
OUT_FOR_S = 2.5
"""How long somebody must stay out: some probes, gossip and a sync of the local profile."""
PUT_OUT = "this node was put out of the cluster"
REFUSED = "this identity was revoked in the cluster: an operator must add it again"
FOUND_OUT_WITHIN_S = 90.0
"""A contact is tried by datagrams first, each time twice as far apart, and each fourth time by a stream."""
OPERATOR = SigningKey.generate(lambda size: b"\6" * size)


def has_stored_contacts(agent: AgentProcess) -> bool:
    """Tell whether it would find others after a kill: contacts are written behind, a fsync after it has met them."""
    with closing(sqlite3.connect(f"file:{agent.data_dir / 'state.db'}?mode=ro", uri=True)) as state:
        return bool(state.execute("SELECT count(*) FROM contacts").fetchone()[0])


@contextmanager
def running(directory: Path, *options: str) -> Iterator[Cluster]:
    """Run three members."""
    cluster = Cluster(directory, ("--profile", "local", *options))
    try:
        cluster.start(3)
        yield cluster
    finally:
        cluster.take_down()


@pytest.fixture(scope="module", autouse=True)
def absentee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Put out, before all tests, a member that is down, and start it without --join: it finds out in its own time."""
    cluster = Cluster(tmp_path_factory.mktemp("two"))
    try:
        cluster.start(2)
        first, second = cluster.agents
        wait_until("n1 is in n2's book on the disk", lambda: has_stored_contacts(second))
        second.kill()
        put_out(first, second)
        second.start()
        yield cluster
    finally:
        cluster.take_down()


@pytest.fixture(scope="module", autouse=True)
def held_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Future[Answer]]]:
    """Ask beforehand for a rotation that a frozen member holds up: in the wan profile it counts as live long."""
    cluster = Cluster(tmp_path_factory.mktemp("slow"), ("--profile", "wan"))
    with ThreadPoolExecutor(1) as pool:
        try:
            cluster.start(2)
            first, second = cluster.agents
            second.send_signal(signal.SIGSTOP)
            yield cluster, pool.submit(first.ask, "POST", "/v1/cluster/keys/rotate")
        finally:
            cluster.take_down()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run one cluster for the tests of this file that leave it as it was."""
    with running(tmp_path_factory.mktemp("three")) as three:
        yield three


@pytest.fixture
def three(cluster: Cluster) -> Cluster:
    """Give the cluster with all alive."""
    cluster.wait_all_alive()
    return cluster


def code(answer: Answer) -> tuple[int, str]:
    """Give status and code of a refusal."""
    return answer.status, answer.json()["code"]


def post(agent: AgentProcess, peer: AgentProcess) -> int:
    """Add a peer; the status."""
    return agent.ask("POST", PEERS, body={"address": peer.gossip}).status


def put_out(by: AgentProcess, peer: AgentProcess) -> None:
    """Delete a peer, and check the answer."""
    answer = by.ask("DELETE", f"{PEERS}/{peer.id}")
    assert (answer.status, answer.json()) == (200, {"deleted": True})


def start_refused(peer: AgentProcess, *seeds: str) -> None:
    """Start one that is out, and wait until it says that the seeds will not have it."""
    peer.start(join=seeds)
    wait_until(f"{peer.name} is refused", lambda: REFUSED in peer.messages() + peer.stderr())


def is_out(peer: AgentProcess, *members: AgentProcess) -> bool:
    """Tell whether no member lists it as one that is in, and all hold it revoked."""
    return all(_holds_revoked(agent, peer.id) and agent.sees(peer.name, "left", "") for agent in members)


def _holds_revoked(agent: AgentProcess, id: str) -> bool:
    return any(word["id"] == id and word["revoked"] for word in agent.get(REVOCATIONS)["revocations"])


# --- out, and in again ------------------------------------------------------------------------------


def test_deleted_peer_is_told_and_cannot_come_back_until_it_is_added(three: Cluster) -> None:
    """Neither by a join, nor by a restart with or without --join; added again it can, and by itself from then on."""
    first, second, third = three.agents
    put_out(first, third)
    wait_until("n3 is out", lambda: is_out(third, first, second))
    wait_until("n3 says so", lambda: PUT_OUT in third.messages())
    assert third.id not in [peer["id"] for peer in second.get(PEERS)]
    assert code(first.ask("DELETE", f"{PEERS}/{third.id}")) == (404, "NOT_FOUND")
    assert code(first.ask("GET", f"{PEERS}/{third.id}")) == (404, "NOT_FOUND")
    assert first.logged("peer-revoked", id=third.id, by=first.id)

    refused = third.shoal("join", second.gossip)
    assert refused.returncode == 1
    assert REFUSED in refused.stderr
    answer = third.ask("POST", PEERS, body={"address": second.gossip})
    assert code(answer) == (422, "HANDSHAKE_FAILED")
    assert REFUSED in answer.json()["error"]
    third.kill()
    third.start()  # its disk knows the others, and that it is out
    hold_for(OUT_FOR_S, "n3 stays out without --join", lambda: is_out(third, first, second))
    third.kill()
    start_refused(third, first.gossip, second.gossip)
    hold_for(OUT_FOR_S, "n3 stays out with --join", lambda: is_out(third, first, second))

    if third.ended:
        third.start()
    assert post(second, third) == 201
    three.wait_seen("n3", "alive")
    wait_until("n3 sees all", lambda: third.sees("n1", "alive") and third.sees("n2", "alive"))
    assert first.logged("peer-reinstated", id=third.id, by=second.id)
    before = first.rows()["n3"]["incarnation"]
    third.kill()
    third.start()
    wait_until("n3 is back by itself", lambda: all(a.rows()["n3"]["incarnation"] > before for a in (first, second)))
    three.wait_all_alive()


def test_peer_that_was_down_while_it_was_put_out_is_told_when_it_joins(three: Cluster) -> None:
    """It believes itself a member, with its old state; nobody takes it, and its log has the reason."""
    first, second, third = three.agents
    third.kill()
    put_out(second, third)
    wait_until("n3 is out", lambda: is_out(third, first, second))
    start_refused(third, first.gossip)
    hold_for(OUT_FOR_S, "n3 stays out", lambda: is_out(third, first, second))
    if third.ended:
        third.start()
    assert post(first, third) == 201
    three.wait_all_alive()


def test_frozen_peer_that_was_put_out_stays_out_when_it_thaws(three: Cluster) -> None:
    """It goes on to send datagrams as a member, for it never heard; they count for nothing, and it learns why."""
    first, second, third = three.agents
    third.send_signal(signal.SIGSTOP)
    try:
        put_out(first, third)
        wait_until("n3 is out", lambda: is_out(third, first, second))
    finally:
        third.send_signal(signal.SIGCONT)
    hold_for(OUT_FOR_S, "n3 stays out", lambda: is_out(third, first, second))
    wait_until("n3 says so", lambda: REFUSED in third.messages() or PUT_OUT in third.messages())
    assert post(second, third) == 201
    three.wait_all_alive()


def test_member_that_missed_the_word_does_not_let_it_in_for_long(three: Cluster) -> None:
    """Down meanwhile, it comes back with the old list: a sync tells it, and what it let in is out again."""
    first, second, third = three.agents
    second.kill()
    three.wait_seen("n2", "failed")
    put_out(first, third)
    wait_until("n3 is out", lambda: is_out(third, first))
    second.spawn(join=[third.gossip])  # of all it could ask, the one that is out
    second.wait_listening()
    wait_until("n2 knows", lambda: is_out(third, first, second))
    third.kill()
    start_refused(third, second.gossip)
    hold_for(OUT_FOR_S, "n3 stays out", lambda: is_out(third, first, second))
    assert first.sees("n2", "alive")
    if third.ended:
        third.start()
    assert post(second, third) == 201
    three.wait_all_alive()


def test_word_outlives_kill_and_restart_of_all(three: Cluster) -> None:
    """What was answered is on the disk, of who was told too: after a kill -9 of all the peer is still out."""
    first, second, third = three.agents
    put_out(first, third)
    wait_until("n2 knows", lambda: is_out(third, first, second))
    for agent in three.agents:
        agent.kill()
    first.start()
    second.start(join=[first.gossip])
    start_refused(third, first.gossip, second.gossip)
    hold_for(OUT_FOR_S, "n3 stays out", lambda: is_out(third, first, second))
    if third.ended:
        third.start()
    assert post(first, third) == 201
    three.wait_all_alive()


def test_any_id_is_revoked_and_reinstated_by_hand(three: Cluster) -> None:
    """Also one that is not on the list: barred beforehand, listed, and free to come once reinstated."""
    first, second, _ = three.agents
    stranger = three.other("n4")
    stranger.start()
    assert first.shoal("peers", "revoke", stranger.id).returncode == 0
    listed = json.loads(first.shoal("peers", "revoked", "--json").stdout)
    assert [word["issuer"] for word in listed if word["id"] == stranger.id and word["revoked"]] == [first.id]
    wait_until("n2 knows", lambda: _holds_revoked(second, stranger.id))
    assert stranger.shoal("join", second.gossip).returncode == 1
    assert second.shoal("peers", "reinstate", stranger.id).returncode == 0
    wait_until("n1 knows", lambda: not _holds_revoked(first, stranger.id))
    assert stranger.shoal("join", first.gossip).returncode == 0
    three.wait_seen("n4", "alive")
    for word in ({"id": first.id, "revoked": True}, {"id": "x", "revoked": True}, {"id": stranger.id}, {}):
        assert code(first.ask("POST", REVOCATIONS, body=word)) == (400, "INVALID_REQUEST")
    stranger.shoal("leave")
    stranger.kill()


# --- with the cluster key ---------------------------------------------------------------------------


def test_rotation_leaves_the_revoked_peer_without_a_key(tmp_path: Path) -> None:
    """All live members hold the new key alone; who is out never got it, and makes no new identity with the old one."""
    with running(tmp_path) as cluster:
        first, second, third = cluster.agents
        old = _keys(first)
        assert len(old) == 1
        deleted = first.shoal("peers", "delete", third.id, "--rotate", "--json")
        assert deleted.returncode == 0, deleted.stderr
        done = json.loads(deleted.stdout)
        assert (done["retired"], done["untold"]) == (old, [])
        wait_until("both hold the new one alone", lambda: _keys(first) == _keys(second) == [done["key"]])
        hold_for(OUT_FOR_S, "n3 is not given it", lambda: _keys(third) == old)
        assert is_out(third, first, second)

        copy = tmp_path / "old.key"
        shutil.copy(third.data_dir / "cluster.key", copy)
        anew = cluster.other("n9", key_file=copy)
        anew.spawn(join=[first.gossip, second.gossip])
        assert anew.wait_end() == 1
        assert "the peer does not hold this node's cluster key" in anew.stderr()
        assert first.metric("shoal_handshakes_total", result="unknown_key") >= 1
        invited = cluster.other("n8", key_file=copy)
        invited.start()
        answer = second.ask("POST", PEERS, body={"address": invited.gossip})
        assert code(answer) == (422, "HANDSHAKE_FAILED")
        assert "cluster key" in answer.json()["error"]
        assert not any(name in first.statuses() for name in ("n8", "n9"))
        assert not [entry for entry in cluster.accusations() if entry["name"] != "n3"]

        newcomer = cluster.other("n7", key_file=first.data_dir / "cluster.key")
        newcomer.start(join=[second.gossip])
        wait_until("who has the new key file joins", lambda: first.sees("n7", "alive"))
        second.kill()
        second.start(join=[first.gossip])  # its --key-file is the old one: what is on the disk goes before it
        wait_until("n2 is back with the new key alone", lambda: first.sees("n2", "alive"))
        assert _keys(second) == [done["key"]]


def _keys(agent: AgentProcess) -> list[str]:
    return sorted(str(key["id"]) for key in agent.get("/v1/cluster/keys")["keys"])


# --- with the operator's key ------------------------------------------------------------------------


def test_operators_key_alone_decides(tmp_path: Path) -> None:
    """Without its signature nobody is put out or taken in, whoever asks, and what a member signs is not heeded."""
    key_file = tmp_path / "operator.key"
    key_file.write_text(OPERATOR.encode_file())
    key_file.chmod(0o600)
    with running(tmp_path / "run", "--revocation-operator-key", format_public_key(OPERATOR.public_key)) as cluster:
        first, second, third = cluster.agents
        for answer in (
            first.ask("DELETE", f"{PEERS}/{third.id}"),
            first.ask("POST", REVOCATIONS, body={"id": third.id, "revoked": True}),
        ):
            assert code(answer) == (422, "OPERATOR_KEY_REQUIRED")
            assert "--operator-key" in answer.json()["error"]
        refused = first.shoal("peers", "delete", third.id)
        assert (refused.returncode, "only the operator's key" in refused.stderr) == (1, True)

        lax = AgentProcess("n4", cluster.directory, ("--key-file", str(cluster.key_file), "--profile", "local"))
        cluster.others.append(lax)
        lax.start(join=[first.gossip])
        cluster.wait_seen("n4", "alive")
        wait_until("n4 sees n3", lambda: lax.sees("n3", "alive"))
        put_out(lax, third)
        hold_for(OUT_FOR_S, "nobody follows", lambda: all(agent.sees("n3", "alive") for agent in (first, second)))
        assert not any(agent.get(REVOCATIONS)["revocations"] for agent in cluster.agents)
        assert PUT_OUT not in third.messages()

        stranger = tmp_path / "stranger.key"
        assert run_shoal("keys", "operator", str(stranger)).returncode == 0
        wrong = first.shoal("peers", "delete", third.id, "--operator-key", str(stranger))
        assert (wrong.returncode, "not heeded here" in wrong.stderr) == (1, True)
        assert first.shoal("peers", "delete", third.id, "--operator-key", str(key_file)).returncode == 0
        wait_until("n3 is out", lambda: is_out(third, first, second))
        wait_until("n3 says so", lambda: PUT_OUT in third.messages())
        answer = second.ask("POST", PEERS, body={"address": third.gossip})
        assert code(answer) == (422, "OPERATOR_KEY_REQUIRED")
        assert is_out(third, first, second)
        assert second.shoal("peers", "reinstate", third.id, "--operator-key", str(key_file)).returncode == 0
        wait_until("n1 knows", lambda: not _holds_revoked(first, third.id))
        assert post(second, third) == 201
        cluster.wait_seen("n3", "alive")


# --- long after -------------------------------------------------------------------------------------


def test_peer_that_was_down_while_it_was_put_out_finds_out_by_itself(absentee: Cluster) -> None:
    """Started without --join, it looks for the others of its former life; they are silent, until one says why."""
    first, second = absentee.agents
    wait_until("n2 says so", lambda: REFUSED in second.messages(), FOUND_OUT_WITHIN_S)
    assert is_out(second, first)
    assert first.metric("shoal_members", status="alive") == 1


def test_rotation_that_a_member_does_not_follow_changes_nothing(held_up: tuple[Cluster, Future[Answer]]) -> None:
    """409 ROTATION_INCOMPLETE names who did not show in time that it knows who is out, and what was done: nothing."""
    cluster, asked = held_up
    answer = asked.result()
    assert code(answer) == (409, "ROTATION_INCOMPLETE")
    assert "n2" in answer.json()["error"]
    assert "no key was changed" in answer.json()["error"]
    assert len(_keys(cluster.seed)) == 1
