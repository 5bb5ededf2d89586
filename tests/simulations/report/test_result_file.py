"""Reading what a campaign wrote."""

from pathlib import Path

import msgspec
import pytest

from protocol.error import InvalidRequest
from simulations.report import read_results
from tests.simulations.report.invented import invent_campaign, invent_result


def test_results_come_back_as_they_were_written(tmp_path: Path) -> None:
    """What msgspec writes of results, a line each, is read back equal; empty lines do not matter."""
    results = invent_campaign(5, broken_every=2)
    path = tmp_path / "results.jsonl"
    path.write_bytes(b"\n\n".join(msgspec.json.encode(result) for result in results) + b"\n \n")
    assert read_results(path) == results


@pytest.mark.parametrize(
    "bad",
    [b"{", b"[1]", b'{"scenario": "crash"}', b"\xff\xfe", b'"\xff"', b"7 8", b'{"scenario": "\\ud800"}'],
    ids=["cut", "list", "part", "no text", "no utf-8", "two", "half a character"],
)
def test_line_that_is_no_result_is_named(tmp_path: Path, bad: bytes) -> None:
    """The first bad line is named by its number."""
    path = tmp_path / "results.jsonl"
    path.write_bytes(msgspec.json.encode(invent_result("crash", 1)) + b"\n\n" + bad + b"\n")
    with pytest.raises(InvalidRequest, match=r"line 3 of .*results\.jsonl is not a result: ."):
        read_results(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there gives one sentence."""
    with pytest.raises(InvalidRequest, match=r"cannot read .*none\.jsonl: No such file"):
        read_results(tmp_path / "none.jsonl")
