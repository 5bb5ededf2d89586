"""HTTPS over a real process: the certificate is served, and read anew at SIGHUP."""

import shutil
import signal
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.agent_process import AgentProcess, wait_until

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Make a certificate and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    _make(certificate, key)
    return certificate, key


def _make(certificate: Path, key: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )


def _served(agent: AgentProcess) -> str:
    """Give the certificate that the agent shows, as PEM."""
    host, port = agent.url.removeprefix("https://").rsplit(":", 1)
    return ssl.get_server_certificate((host, int(port)), timeout=10)


def test_certificate_is_read_anew_at_sighup(tmp_path: Path, files: tuple[Path, Path]) -> None:
    """New files are served after SIGHUP; files that do not fit each other are said, and the held ones served on."""
    certificate, key = files
    agent = AgentProcess(
        "n1", tmp_path, ("--profile", "local", "--http-tls-cert", str(certificate), "--http-tls-key", str(key))
    )
    try:
        agent.start()
        assert agent.url.startswith("https://")
        first = certificate.read_text()
        assert _served(agent).strip() == first.strip()

        _make(certificate, key)
        second = certificate.read_text()
        assert second != first
        assert _served(agent).strip() == first.strip()
        agent.send_signal(signal.SIGHUP)
        wait_until("the new certificate is served", lambda: _served(agent).strip() == second.strip())

        certificate.write_text(first)  # not of this key
        agent.send_signal(signal.SIGHUP)
        wait_until("it says what is wrong", lambda: "the configuration stays as it was: TLS" in agent.messages())
        assert _served(agent).strip() == second.strip()
        assert not agent.ended
    finally:
        agent.kill()
