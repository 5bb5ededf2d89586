"""`shoal license`."""

import json
from itertools import count
from pathlib import Path

import pytest

from protocol.security.license import License, issue_license, open_license
from protocol.security.signing_key import SigningKey, format_public_key
from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import FakeAgent, Reply

ISSUER = SigningKey.generate(lambda size: b"\1" * size)
SHOWN = {
    "license_id": "acme", "identity": "acme@0011223344556677", "issuer": format_public_key(ISSUER.public_key),
    "max_nodes": 5, "issued_at": "2026-01-01T00:00:00.000Z", "expires_at": "2027-01-01T00:00:00.000Z",
    "seats_taken": 7, "warnings": ["license acme expires in 12 days, on 2027-01-01"],
}  # fmt: skip
DAY_MS = 86_400_000


def make_license(expires_at_ms: int | None = None) -> License:
    """Give a license for five, of 2026."""
    return issue_license(
        ISSUER, license_id="acme", max_nodes=5, issued_at_ms=1_767_225_600_000, expires_at_ms=expires_at_ms
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the path of a license."""
    path = tmp_path / "acme.license"
    path.write_text(make_license().text)
    return path


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Give the path of its issuer's signing key."""
    path = tmp_path / "issuer.key"
    path.write_text(ISSUER.encode_file())
    path.chmod(0o600)
    return path


# --- issue ------------------------------------------------------------------------------------------


def test_license_issue_with_a_new_issuer(run: Run, agent: FakeAgent, tmp_path: Path) -> None:
    """A license, and a key of mode 0600 that signed it; the public key is printed, and no agent asked."""
    file, key_file = tmp_path / "a.license", tmp_path / "i.key"

    result = run("license", "issue", str(file), "--id", "acme", "--max-nodes", "5", "--new-issuer", str(key_file))

    assert result.exit_code == 0, result.output
    assert key_file.stat().st_mode & 0o777 == 0o600
    key = SigningKey.parse_file(key_file.read_text())
    made = open_license(file.read_text(), (key.public_key,))
    assert (made.license_id, made.max_nodes, made.expires_at_ms) == ("acme", 5, None)
    assert format_public_key(key.public_key) in result.stdout
    assert key.seed.hex() not in result.output
    assert agent.asked == []


@pytest.mark.parametrize(
    ("expires", "expires_at_ms"),
    [("2127-01-01", 4_954_435_200_000), ("2127-01-01T00:00:00.5Z", 4_954_435_200_500), ("365d", None)],
)
def test_license_issue_with_an_issuers_key(
    run: Run, tmp_path: Path, key_file: Path, expires: str, expires_at_ms: int | None
) -> None:
    """Until a day, a moment, or for a time from now on; --json says what was made."""
    file = tmp_path / "a.license"
    words = ["--id", "acme", "--max-nodes", "1", "--expires", expires, "--issuer", str(key_file), "--json"]

    result = run("license", "issue", str(file), *words)

    made = open_license(file.read_text(), (ISSUER.public_key,))
    assert made.expires_at_ms == (expires_at_ms or made.issued_at_ms + 365 * DAY_MS)
    said = json.loads(result.stdout)
    assert (said["file"], said["identity"]) == (str(file), made.identity)
    assert (said["issuer"], said["max_nodes"]) == (format_public_key(ISSUER.public_key), 1)


def test_license_issued_again_renews(run: Run, tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same issuer and id give one identity, issued later."""
    issued = []
    clock = count(1_790_000_000_000_000_000, 1_000_000)
    monkeypatch.setattr("time.time_ns", lambda: next(clock))
    for name in ("a", "b"):
        run("license", "issue", str(tmp_path / name), "--id", "x", "--max-nodes", "1", "--issuer", str(key_file))
        issued.append(open_license((tmp_path / name).read_text(), ()))
    assert issued[0].identity == issued[1].identity
    assert issued[0].issued_at_ms < issued[1].issued_at_ms


def test_license_issue_overwrites_nothing(run: Run, tmp_path: Path, file: Path, key_file: Path) -> None:
    """Neither a license nor a key; and what cannot be finished leaves nothing behind."""
    held = key_file.read_text()
    words = ("--id", "x", "--max-nodes", "1", "--new-issuer")
    for path, key in ((file, tmp_path / "new.key"), (tmp_path / "new.license", key_file)):
        result = run("license", "issue", str(path), *words, str(key))
        assert result.exit_code == 1
        assert "never overwritten" in result.stderr
    result = run("license", "issue", str(tmp_path / "none" / "x"), *words, str(tmp_path / "new.key"))
    assert "cannot be written: No such file" in result.stderr
    result = run("license", "issue", str(tmp_path / "same"), *words, str(tmp_path / "same"))
    assert "the same file" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["acme.license", "issuer.key"]
    assert (file.read_text(), key_file.read_text()) == (make_license().text, held)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--id", "a b"], 1, "license_id is 'a b'"),
        (["--max-nodes", "0"], 1, "max_nodes is 0"),
        (["--max-nodes", "many"], 2, "not a valid integer"),
        (["--expires", "2020-01-01"], 1, "is not after"),
        (["--expires", "2027-02-30"], 2, "not a day that exists"),
        (["--expires", "soon"], 2, "'soon' is not a time"),
        (["--expires", "999999999d"], 1, "not a time from 1970 to 9999"),
        (["--issuer", "/nowhere"], 1, "there is no such file"),
        (["--issuer", "/"], 2, "is a directory"),
        (["--new-issuer", "i.key"], 2, "either --issuer"),
    ],
)
def test_license_issue_says_what_is_wrong(
    run: Run, tmp_path: Path, key_file: Path, words: list[str], code: int, sentence: str
) -> None:
    """Wrong usage is 2, anything else 1; no license is written."""
    file = tmp_path / "x.license"
    result = run("license", "issue", str(file), "--id", "x", "--max-nodes", "5", "--issuer", str(key_file), *words)
    assert (result.exit_code, sentence in result.stderr) == (code, True), result.stderr
    assert not file.exists()


def test_license_issue_needs_an_issuer(run: Run, tmp_path: Path) -> None:
    """One of two options."""
    result = run("license", "issue", str(tmp_path / "x"), "--id", "x", "--max-nodes", "5")
    assert (result.exit_code, "--new-issuer" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (ISSUER.encode_file(), 0o644, "open to other users"),
        (ISSUER.encode_file().replace("0101", "0102", 1), 0o600, "damaged"),
        ("\udcff", 0o600, "not text"),
        ("x" * 5_000, 0o600, "larger than"),
    ],
)
def test_license_issue_refuses_a_bad_key_file(
    run: Run, tmp_path: Path, key_file: Path, content: str, mode: int, sentence: str
) -> None:
    """One sentence that names the file, and quotes nothing of it."""
    key_file.write_bytes(content.encode(errors="surrogateescape"))
    key_file.chmod(mode)
    result = run("license", "issue", str(tmp_path / "x"), "--id", "x", "--max-nodes", "5", "--issuer", str(key_file))
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert str(key_file) in result.stderr
    assert "01010101" not in result.stderr


# --- show and verify --------------------------------------------------------------------------------


def test_license_show_of_a_file_asks_nobody(run: Run, agent: FakeAgent, file: Path) -> None:
    """In two columns, and as JSON."""
    plain = run("license", "show", str(file)).stdout.splitlines()
    as_json = json.loads(run("license", "show", str(file), "--json").stdout)
    assert plain[0] == "License    acme"
    assert plain[-1] == "Expires    never"
    assert (as_json["identity"], as_json["expires_at"]) == (make_license().identity, None)
    assert agent.asked == []


def test_license_show_of_the_agent(run: Run, agent: FakeAgent) -> None:
    """With seats and warnings; the open license has its own sentence."""
    agent.answer("GET /v1/cluster/license", {"license": SHOWN})
    plain = run("license", "show").stdout.splitlines()
    assert "Seats taken  7" in plain
    assert plain[-1] == "warning: license acme expires in 12 days, on 2027-01-01"
    assert json.loads(run("license", "show", "--json").stdout) == SHOWN
    agent.answer("GET /v1/cluster/license", {"license": None})
    assert "the open license" in run("license", "show").stdout
    assert run("license", "show", "--json").stdout == "null\n"


@pytest.mark.parametrize("answer", ["[]", "{}", '{"license": 1}', "no JSON"])
def test_license_show_of_no_agent_is_one_sentence(run: Run, agent: FakeAgent, answer: str) -> None:
    """Whatever listens there."""
    agent.routes["GET /v1/cluster/license"] = Reply(200, answer.encode())
    result = run("license", "show")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "agent?" in result.stderr


def test_license_verify_tells_who_signed(run: Run, file: Path) -> None:
    """Genuine is 0 and one sentence; one that has expired is genuine, and said to have."""
    key = format_public_key(ISSUER.public_key)
    other = format_public_key(SigningKey.generate(bytes).public_key)
    for words in ([], ["--issuer", key], ["--issuer", other, "--issuer", key]):
        result = run("license", "verify", str(file), *words)
        assert result.exit_code == 0
        assert result.stdout == (f"{file} is genuine: license acme for 5 nodes, never expires, issued by {key}\n")
    file.write_text(make_license(1_767_225_600_001).text)
    assert "expired 2026-01-01T00:00:00.001Z" in run("license", "verify", str(file)).stdout
    assert json.loads(run("license", "verify", str(file), "--json").stdout)["issuer"] == key


def test_license_verify_refuses(run: Run, tmp_path: Path, file: Path) -> None:
    """Another's, a damaged one, none at all; and a key that is none is wrong usage."""
    other = format_public_key(SigningKey.generate(bytes).public_key)
    damaged = tmp_path / "damaged"
    damaged.write_text(make_license().text.replace("e", "f", 1))
    for words, code, sentence in (
        ([str(file), "--issuer", other], 1, "none of the trusted"),
        ([str(damaged)], 1, "cannot be used"),
        ([str(tmp_path / "none")], 1, "No such file"),
        ([str(file), "--issuer", "x"], 2, "not a public key"),
    ):
        result = run("license", "verify", *words)
        assert (result.exit_code, sentence in result.stderr) == (code, True), result.stderr
        assert result.stdout == ""


# --- apply ------------------------------------------------------------------------------------------


def test_license_apply_sends_the_file_as_it_is(run: Run, agent: FakeAgent, file: Path) -> None:
    """Byte for byte; the answer is shown."""
    agent.answer("PUT /v1/cluster/license", {"license": SHOWN})
    result = run("license", "apply", str(file), "--token", "t")
    assert result.exit_code == 0
    assert result.stdout.startswith("license acme is renewed on http://127.0.0.1:")
    asked = agent.last()
    assert asked.body == json.loads(file.read_text())
    assert int(asked.headers["Content-Length"]) == len(file.read_bytes())
    assert asked.headers["Authorization"] == "Bearer t"
    assert json.loads(run("license", "apply", str(file), "--json").stdout) == SHOWN


def test_license_apply_of_no_license_asks_nobody(run: Run, agent: FakeAgent, file: Path) -> None:
    """A wrong file is refused before it is sent."""
    file.write_text("{}")
    result = run("license", "apply", str(file))
    assert (result.exit_code, agent.asked) == (1, [])
    assert "not a license" in result.stderr


def test_license_apply_tells_the_agents_reason(run: Run, agent: FakeAgent, file: Path) -> None:
    """As one sentence, exit code 1."""
    agent.answer("PUT /v1/cluster/license", {"error": "another license", "code": "INVALID_REQUEST"}, 400)
    result = run("license", "apply", str(file))
    assert result.exit_code == 1
    assert "answered 400: another license" in result.stderr
