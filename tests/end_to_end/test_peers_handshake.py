"""POST /v1/peers at addresses where no peer is: each refused within 10 s, for its own reason, and nobody waits."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from node.http_client import Answer
from node.new_key_file import write_key_file
from protocol.security.key_file import encode_key_file, parse_key_file
from protocol.security.keyring import Keyring
from protocol.ulid import ClusterId
from tests.end_to_end import strange_server as strange
from tests.end_to_end.cluster import Cluster

pytestmark = pytest.mark.end_to_end

PEERS = "/v1/peers"
LONGEST_S = 10.0
"""What the Peers API promises."""
BEGUN_S = 0.3
"""After which a request is in service, and a handshake of the local profile (1 s) not over."""
ANSWERED_WITHIN_S = 1.0
"""Other requests, meanwhile: they take some milliseconds on an idle machine."""

BEHAVIOURS: dict[str, tuple[strange.Behaviour, str]] = {
    "silent": (strange.be_silent, "did not finish the handshake"),
    "deaf": (strange.be_deaf, "did not finish the handshake"),
    "garbage": (strange.send_garbage, "does not speak Shoal's protocol"),
    "hanging up": (strange.hang_up, "the connection during the handshake"),
    "mirror": (strange.mirror, "sends back whatever it is sent"),
    "endless head": (strange.flood, "does not speak Shoal's protocol"),
    "dripping": (strange.drip, "does not speak Shoal's protocol"),
    "web server": (strange.answer_http("404 Not Found", b"nothing"), "does not speak Shoal's protocol"),
    "page": (strange.answer_http("200 OK", b"<html>"), "does not speak Shoal's protocol"),
    "another API": (strange.answer_http("200 OK", b'{"address": 5}'), "does not speak Shoal's protocol"),
    "no address": (strange.answer_http("200 OK", b'{"address": "here"}'), "does not speak Shoal's protocol"),
    "huge page": (strange.answer_http("200 OK", b"[" * 1_000_000), "does not speak Shoal's protocol"),
}
"""What is at an address, and what the reason says of it."""


@dataclass
class Post:
    """One POST /v1/peers, made in a thread."""

    address: str
    answer: Answer | None = None
    took_s: float = 0.0
    thread: threading.Thread = field(default_factory=threading.Thread)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run one node, alone, and two strangers: of another key, and of another cluster with the same key."""
    cluster = Cluster(tmp_path_factory.mktemp("one"))
    other_key, other_id = cluster.directory / "other.key", cluster.directory / "id.key"
    write_key_file(other_key)
    held = parse_key_file(cluster.key_file.read_text())
    keys = [(key.stamp, held.key_for(key.key_id) or b"") for key in held.listing()]
    cluster_id = ClusterId(bytes(reversed(held.cluster_id)))
    other_id.write_text(encode_key_file(Keyring.from_keys(cluster_id, keys, 0, held.primary_stamp)))
    strangers = [cluster.other("stranger", key_file=other_key), cluster.other("foreigner", key_file=other_id)]
    try:
        for agent in (cluster.make("n1"), *strangers):
            agent.spawn()
        for agent in (cluster.seed, *strangers):
            agent.wait_listening()
        yield cluster
    finally:
        cluster.take_down()


def _post(cluster: Cluster, address: str) -> Post:
    post = Post(address)

    def run() -> None:
        began = time.monotonic()
        post.answer = cluster.seed.ask("POST", PEERS, body={"address": address})
        post.took_s = time.monotonic() - began

    post.thread = threading.Thread(target=run, daemon=True)
    post.thread.start()
    return post


def test_handshakes_with_what_is_no_peer_fail_in_time_and_hold_up_nobody(cluster: Cluster) -> None:
    """All at once: each answer comes within 10 s with its own reason, while other requests are answered as ever."""
    with ExitStack() as servers:
        expected: dict[str, tuple[str, str]] = {}
        for what, (behaviour, reason) in BEHAVIOURS.items():
            expected[what] = (servers.enter_context(strange.strange_server(behaviour)), reason)
        expected["nobody"] = (servers.enter_context(strange.closed_port()), "connection refused: nobody listens there")
        expected["unknown name"] = ("no-such-host.invalid:7946", "no-such-host.invalid")
        posts = {what: _post(cluster, address) for what, (address, _) in expected.items()}
        slowest = 0.0
        while any(post.thread.is_alive() for post in posts.values()):
            began = time.monotonic()
            assert len(cluster.seed.get(PEERS)) == 1
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.02)
    wrong = {}
    for what, post in posts.items():
        address, reason = expected[what]
        assert post.answer is not None, what
        body = post.answer.json()
        is_right = (post.answer.status, body["code"]) == (422, "HANDSHAKE_FAILED") and set(body) == {"error", "code"}
        if not (is_right and reason in body["error"] and address in body["error"] and post.took_s < LONGEST_S):
            wrong[what] = (post.answer.status, body, round(post.took_s, 1))
    assert not wrong, json.dumps(wrong, indent=1)
    assert slowest < ANSWERED_WITHIN_S


@pytest.mark.parametrize(
    ("name", "by_http", "reason"),
    [
        ("stranger", False, "the peer does not hold this node's cluster key"),
        ("stranger", True, "the peer does not hold this node's cluster key"),
        ("foreigner", False, "the peer belongs to another cluster"),
        ("foreigner", True, "the peer belongs to another cluster"),
    ],
)
def test_node_of_another_cluster_is_refused_with_the_reason(
    cluster: Cluster, name: str, by_http: bool, reason: str
) -> None:
    """By its gossip address and by its HTTP address alike."""
    stranger = cluster.agent(name)
    address = stranger.url.removeprefix("http://") if by_http else stranger.gossip
    answer = cluster.seed.ask("POST", PEERS, body={"address": address})
    assert (answer.status, answer.json()["code"]) == (422, "HANDSHAKE_FAILED")
    assert reason in answer.json()["error"]
    assert len(cluster.seed.get(PEERS)) == 1
    assert len(stranger.get(PEERS)) == 1


def test_client_that_hangs_up_does_not_cut_an_invitation_in_half(cluster: Cluster) -> None:
    """What was begun goes on: the peer becomes a member though nobody waits for the answer any more."""
    newcomer = cluster.other("n2")
    newcomer.start()
    newcomer.send_signal(signal.SIGSTOP)
    try:
        body = json.dumps({"address": newcomer.gossip}).encode()
        host, _, port = cluster.seed.url.removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                f"POST {PEERS} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {cluster.seed.token}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            time.sleep(BEGUN_S)
    finally:
        newcomer.send_signal(signal.SIGCONT)
    cluster.wait_seen("n2", "alive")
