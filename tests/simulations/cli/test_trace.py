"""run --trace: every event in a line, under a legend."""

import re
from pathlib import Path

import pytest

from simulations import tracer
from tests.simulations.cli.invocation import digest, invoke

LINE = re.compile(r" *\d+\.\d{4} (n\d+ +|  +)\S")


def _trace(file: Path, line: str) -> list[str]:
    assert invoke(f"{line} --trace {file}").exit_code == 0
    return file.read_text().splitlines()


def test_trace_begins_with_its_legend_and_ends_with_the_digest(tmp_path: Path) -> None:
    """A reader finds what each column means, the command that made it, and what it came to."""
    lines = _trace(tmp_path / "trace", "run crash --nodes 4 --seed 2")
    assert re.fullmatch(r"# crash: 4 nodes, seed 2, profile (lan|wan|local)", lines[0])
    assert lines[1] == "# python -m simulations run crash --nodes 4 --seed 2"
    assert lines[2 : 2 + tracer.LEGEND.count("\n")] == tracer.LEGEND.splitlines()
    assert lines[-1].endswith(digest(invoke("run crash --nodes 4 --seed 2").output))
    events = [line for line in lines if not line.startswith("#")]
    assert [line for line in events if not LINE.match(line)] == []


def test_trace_shows_what_came_in_what_went_out_and_what_changed(tmp_path: Path) -> None:
    """The dead member's story can be read: the deed, pings, ping-reqs, accusations, and the changes."""
    text = "\n".join(_trace(tmp_path / "trace", "run crash --nodes 5 --seed 1"))
    (dead,) = re.findall(r"\*\* (n\d) crashes", text)
    assert re.search(rf"{dead} +\*\* crash", text)
    assert re.search(r"<n\d ping .*>n\d ack", text)
    assert f"req:{dead}" in text
    assert re.search(rf"<n\d \S* ?\[.*{dead}\?0", text)
    assert f"{dead}=suspect" in text
    assert f"{dead}=failed" in text
    assert re.search(r"dial n\d ping", text)


def test_trace_knows_who_sent_what_also_where_it_travels_as_bytes(tmp_path: Path) -> None:
    """Sealed datagrams are told as those that travel as objects are."""
    lines = _trace(tmp_path / "trace", "run crash --nodes 5 --seed 1 --encode")
    came = [line for line in lines if LINE.match(line) and re.search(r" <\S+ (ping|ack)", line)]
    assert came
    assert [line for line in came if " <? " in line] == []


def test_trace_is_the_same_each_time(tmp_path: Path) -> None:
    """Two traces of one run are equal, so that two of different runs can be compared."""
    line = "run lossy_links --nodes 5 --seed 3 --duration 5"
    assert _trace(tmp_path / "one", line) == _trace(tmp_path / "other", line)


def test_trace_ends_at_its_bound_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run does not fill the disk; the digest is that of the whole run."""
    monkeypatch.setattr(tracer, "LINES_MAX", 20)
    lines = _trace(tmp_path / "trace", "run crash --nodes 4 --seed 2")
    assert sum(not line.startswith("#") for line in lines) == 19
    assert lines[-2] == "# 20 lines are the most: the rest is not written down"
    assert lines[-1].endswith(digest(invoke("run crash --nodes 4 --seed 2").output))


def test_trace_to_the_output_stands_before_the_result() -> None:
    """A dash is the output."""
    output = invoke("run crash --nodes 4 --seed 2 --trace -").output
    assert output.index("# crash: 4 nodes") < output.index("** ") < output.index("replay: ")
