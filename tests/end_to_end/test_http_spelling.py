"""Status lines have their reason phrase and header names are spelled as Go spells them, on every listener.

nginx-upsync-module, check_http and scripts compare both letter by letter.
"""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.clients.upsync import ask_as_upsync
from tests.end_to_end.agent_process import AgentProcess
from tests.end_to_end.consul_cluster import consul_port, put, running_consul_cluster, wait_catalog

pytestmark = pytest.mark.end_to_end

TIMEOUT_S = 10.0
BLOCKED_S = 0.5
"""After which a request that was to wait is taken to wait."""
CHECK_HTTP: Final = "/usr/lib/nagios/plugins"
HEAD_END: Final = b"\r\n\r\n"
PHRASES: Final = {
    200: "OK",
    301: "Moved Permanently",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
}
"""As Go has them; Python 3.13 has another for 413."""
EITHER: Final = [
    ("GET", "/livez", 200),
    ("GET", "/readyz", 200),
    ("GET", "/metrics", 200),
    ("GET", "/v1/cluster/identity", 200),
    ("GET", "/v1/cluster/events", 200),
    ("GET", "/v1/nope", 404),
    ("GET", "/v1/agent/members", 200),
    ("GET", "/v1/agent/self", 200),
    ("GET", "/v1/agent/metrics", 200),
]
"""Method, target and status, on each listener."""
CONSUL: Final = [
    *EITHER,
    ("GET", "/v1/status/leader", 200),
    ("GET", "/v1/catalog/nodes", 200),
    ("GET", "/v1/health/service/web?passing", 200),
    ("GET", "/v1/agent/monitor", 200),
    ("OPTIONS", "/v1/catalog/nodes", 200),
    ("GET", "/v1/agent/join", 301),
    ("GET", "/v1/catalog/nodes?index=x", 400),
    ("PUT", "/v1/agent/leave", 403),
    ("DELETE", "/v1/catalog/nodes", 405),
    ("HEAD", "/v1/catalog/nodes", 405),
    ("GET", "/v1/catalog/nodes?dc=elsewhere", 500),
]
NOMAD: Final = [
    *[case for case in EITHER if case[1] != "/v1/agent/metrics"],
    ("GET", "/v1/agent/health", 200),
    ("GET", "/v1/services", 200),
    ("POST", "/v1/agent/join", 400),
    ("POST", "/v1/peers", 401),
    ("PATCH", "/v1/agent/self", 405),
]


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """Run one node with a service whose check passes."""
    with running_consul_cluster(tmp_path_factory.mktemp("spelling"), 1) as cluster:
        register(cluster.seed, "web-1", 8001)
        yield cluster.seed


def register(agent: AgentProcess, id: str, port: int) -> None:
    """Register an instance of the service `web`, and wait until the catalog has it."""
    service = {"Name": "web", "ID": id, "Address": "127.0.0.1", "Port": port}
    put(agent, "agent/service/register", {**service, "Check": {"TTL": "600s", "Status": "passing"}})
    wait_catalog(f"{id} is there", agent, "health/service/web", lambda found: id in json.dumps(found))


def nomad_port(agent: AgentProcess) -> int:
    """Return where its other listener is bound, on loopback."""
    return int(agent.http_bind.rsplit(":", 1)[1])


def read_head(connection: socket.socket, request: bytes) -> tuple[str, list[str]]:
    """Make a request as it stands; the status line, and the names of the headers."""
    connection.settimeout(TIMEOUT_S)
    connection.sendall(request)
    data = b""
    while HEAD_END not in data and (more := connection.recv(65536)):
        data += more
    first, *lines = data.partition(HEAD_END)[0].decode("latin-1").split("\r\n")
    return first, [line.partition(":")[0] for line in lines]


def go_spelling(name: str) -> str:
    """Return a header's name as Go writes it: X-Consul-Index, Content-Type."""
    return "-".join(part.capitalize() for part in name.split("-"))


def assert_spelled(head: tuple[str, list[str]], status: int) -> None:
    """Check a status line to the letter, and the names of the headers."""
    line, names = head
    assert line == f"HTTP/1.1 {status} {PHRASES[status]}"
    assert names, "an answer without headers"
    assert names == [go_spelling(name) for name in names]


def request_of(method: str, target: str) -> bytes:
    """Return the bytes of a request without a body."""
    return f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize(("method", "target", "status"), CONSUL)
def test_consul_listener_spells_as_go(agent: AgentProcess, method: str, target: str, status: int) -> None:
    """Each kind of answer on Consul's port has its reason phrase and Go's header names."""
    with socket.create_connection(("127.0.0.1", consul_port(agent))) as connection:
        assert_spelled(read_head(connection, request_of(method, target)), status)


@pytest.mark.parametrize(("method", "target", "status"), NOMAD)
def test_nomad_listener_spells_as_go(agent: AgentProcess, method: str, target: str, status: int) -> None:
    """Each kind of answer on Nomad's port has its reason phrase and Go's header names."""
    with socket.create_connection(("127.0.0.1", nomad_port(agent))) as connection:
        assert_spelled(read_head(connection, request_of(method, target)), status)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"FOO\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nno colon\r\n\r\n", 400),
        (b"PUT /v1/nope HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1048577\r\n\r\n" + bytes(1048577), 413),
    ],
    ids=["method alone", "no Host", "no colon", "long body"],
)
def test_refusal_of_http_spells_as_go(agent: AgentProcess, request_bytes: bytes, status: int) -> None:
    """What is refused before it reaches a route is spelled alike."""
    for port in (consul_port(agent), nomad_port(agent)):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            assert_spelled(read_head(connection, request_bytes), status)


def test_second_answer_of_a_connection_spells_as_go(agent: AgentProcess) -> None:
    """A connection that is kept has no answer that is spelled in another way."""
    connection = http.client.HTTPConnection("127.0.0.1", consul_port(agent), timeout=TIMEOUT_S)
    try:
        for target, status in [("/v1/agent/members", 200), ("/v1/nope", 404), ("/v1/agent/members", 200)]:
            connection.request("GET", target)
            response = connection.getresponse()
            response.read()
            names = [name for name, _ in response.getheaders()]
            assert_spelled((f"HTTP/1.1 {response.status} {response.reason}", names), status)
    finally:
        connection.close()


def test_tls_listener_spells_as_go(tmp_path: Path) -> None:
    """HTTPS answers are spelled alike."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    agent = AgentProcess("n1", tmp_path, ("--http-tls-cert", str(certificate), "--http-tls-key", str(key)))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        agent.start()
        for method, target, status in [("GET", "/livez", 200), ("GET", "/v1/nope", 404)]:
            with (
                socket.create_connection(("127.0.0.1", nomad_port(agent)), TIMEOUT_S) as plain,
                context.wrap_socket(plain) as connection,
            ):
                assert_spelled(read_head(connection, request_of(method, target)), status)
    finally:
        agent.kill()


def run_program(*command: str) -> str:
    """Run a program that must succeed, or skip where it is missing; what it wrote."""
    path = shutil.which(command[0]) or shutil.which(command[0], path=CHECK_HTTP)
    if path is None:
        pytest.skip(f"{command[0]} is not on this machine")
    ended = subprocess.run([path, *command[1:]], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
    return ended.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("-u", "/livez", "-e", "200 OK"),
        ("-u", "/livez", "-e", "HTTP/1.1 200 OK"),
        ("-u", "/v1/health/service/web?passing", "-e", "200 OK", "-s", "web-1"),
        ("-u", "/v1/health/service/web", "-d", "X-Consul-Index"),
        ("-u", "/v1/nope", "-e", "404 Not Found"),
    ],
    ids=" ".join,
)
def test_check_http_is_ok(agent: AgentProcess, options: tuple[str, ...]) -> None:
    """The Nagios plugin finds the status line, the header and the body that it is told to find."""
    run_program("check_http", "-H", "127.0.0.1", "-p", str(consul_port(agent)), *options)


@pytest.mark.parametrize("path", ["/livez", "/v1/status/leader"])
def test_curl_shows_status_line(agent: AgentProcess, path: str) -> None:
    """`curl -D -` shows the line that scripts cut the phrase from."""
    shown = run_program("curl", "-s", "-D", "-", "-o", "/dev/null", f"http://127.0.0.1:{consul_port(agent)}{path}")
    assert shown.splitlines()[0] == "HTTP/1.1 200 OK"


def test_curl_head_of_root_is_ok(agent: AgentProcess) -> None:
    """`curl -sI` of a Consul port, as load balancers ask, is 200 OK."""
    shown = run_program("curl", "-sI", f"http://127.0.0.1:{consul_port(agent)}/")
    assert shown.splitlines()[0] == "HTTP/1.1 200 OK"


def test_shell_script_finds_index(agent: AgentProcess) -> None:
    """A script that cuts the index out of the header, and waits with it, is answered when there is news."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")
    url = f"http://127.0.0.1:{consul_port(agent)}/v1/health/service/web"
    find = f"curl -s -D - -o /dev/null '{url}' | grep '^X-Consul-Index: ' | cut -d ' ' -f 2 | tr -d '\\r'"
    index = run_program("sh", "-c", find).strip()
    assert index.isdecimal()
    again = run_program("sh", "-c", find.replace(url, f"{url}?index={index}&wait=50ms")).strip()
    assert again == index


@pytest.mark.parametrize("path", ["/v1/health/service/web", "/v1/catalog/service/web"])
def test_nginx_upsync_follows_a_service(agent: AgentProcess, path: str) -> None:
    """nginx-upsync-module takes the first answer, then waits with its index and takes the next server."""
    port, added = consul_port(agent), 9000 + len(path)
    index, servers = ask_as_upsync(port, path, 0, TIMEOUT_S)
    assert "127.0.0.1:8001" in servers
    found: list[tuple[int, list[str]]] = []
    waiting = threading.Thread(target=lambda: found.append(ask_as_upsync(port, path, index, TIMEOUT_S)))
    waiting.start()
    waiting.join(BLOCKED_S)
    assert waiting.is_alive(), "the request with the newest index did not wait"
    register(agent, f"web-{added}", added)
    waiting.join(TIMEOUT_S)
    ((later, more),) = found
    assert later > index
    assert f"127.0.0.1:{added}" in more
