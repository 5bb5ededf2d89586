"""`shoal members`."""

import json

import pytest

from node.cli import output
from tests.node.cli.conftest import Run
from tests.node.cli.fake_agent import ID_2, FakeAgent, three_members

MEMBERS = "GET /v1/cluster/members"


def names(text: str) -> list[str]:
    """Take the names out of JSON output."""
    return [entry["name"] for entry in json.loads(text)]


def test_members_prints_aligned_text_into_a_pipe(agent: FakeAgent, run: Run) -> None:
    """Each member is a line, its columns begin under their headings, and no colour is in it."""
    agent.answer(MEMBERS, three_members())

    result = run("members")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].split() == ["Name", "Address", "Status", "Since", "RTT", "Tags"]
    assert [line.split()[0] for line in lines[1:]] == ["n1", "n2", "n3"]
    assert {line.index(word) for line, word in zip(lines[1:], ("alive", "alive", "failed"), strict=True)} == {
        lines[0].index("Status")
    }
    assert "rack=a1,role=web" in lines[1]
    assert "1.2 ms" in lines[2]
    assert "\x1b" not in result.stdout


def test_members_json_is_the_agents_own_words(agent: FakeAgent, run: Run) -> None:
    """--json gives the list with every field the agent sent."""
    agent.answer(MEMBERS, three_members())

    result = run("members", "--json")

    assert json.loads(result.stdout) == three_members()["members"]


def test_members_reads_in_the_order_of_names(agent: FakeAgent, run: Run) -> None:
    """The table is in the order people count in, whatever the ids; --json stays as the agent sent it."""
    answer = three_members()
    for entry, name in zip(answer["members"], ("n10", "n2", "4n"), strict=True):
        entry["name"] = name
    agent.answer(MEMBERS, answer)

    table = run("members").stdout.splitlines()[1:]

    assert [line.split()[0] for line in table] == ["4n", "n2", "n10"]
    assert names(run("members", "--json").stdout) == ["n10", "n2", "4n"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--status", "failed"], ["n3"]),
        (["--status", "failed", "--status", "alive"], ["n1", "n2", "n3"]),
        (["--name", "n[12]"], ["n1", "n2"]),
        (["--name", "n"], []),
        (["--tag", "role=web"], ["n1", "n2"]),
        (["--tag", "role=web", "--tag", "rack=a1"], ["n1"]),
        (["--status", "left"], []),
    ],
)
def test_members_filters_narrow_the_list(agent: FakeAgent, run: Run, flags: list[str], expected: list[str]) -> None:
    """Statuses add up, a name matches as a whole, and all tags must be there."""
    agent.answer(MEMBERS, three_members())

    assert names(run("members", "--json", *flags).stdout) == expected


def test_members_detailed_shows_ids(agent: FakeAgent, run: Run) -> None:
    """--detailed adds id and incarnation."""
    agent.answer(MEMBERS, three_members())

    text = run("members", "--detailed").stdout

    assert ID_2 in text
    assert "1700000000000" in text


@pytest.mark.parametrize("flags", [["--status", "gone"], ["--name", "("], ["--tag", "role"], ["extra"]])
def test_members_usage_errors_exit_2_before_asking(agent: FakeAgent, run: Run, flags: list[str]) -> None:
    """A flag that makes no sense is a usage error, and no request is made."""
    result = run("members", *flags)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert agent.asked == []


def test_members_on_a_terminal_is_a_coloured_table(agent: FakeAgent, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person gets colours by status."""
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    agent.answer(MEMBERS, three_members())

    text = run("members").stdout

    assert "\x1b[31mfailed" in text
    assert "\x1b[32malive" in text


def test_members_shows_control_characters_as_escapes(agent: FakeAgent, run: Run) -> None:
    """What an agent sends cannot move the cursor."""
    answer = three_members()
    answer["members"][1]["tags"] = {"x": "\x1b[2J"}
    agent.answer(MEMBERS, answer)

    text = run("members").stdout

    assert "\x1b" not in text
    assert r"x=\x1b[2J" in text
