"""The check against a baseline: its comparison, its file, and a tiny run of the real thing."""

import json
from pathlib import Path

import pytest

from benchmarks.check.baseline import DEFAULT_FILE, BadBaseline, Baseline, read_baseline, write_baseline
from benchmarks.check.measurement import TINY_LABELS, Unit
from benchmarks.check.verdict import compare, format_rows
from benchmarks.command import main
from benchmarks.micro.instruction import is_countable
from benchmarks.micro.kernel import Kernel, make_calls
from benchmarks.micro.kernel_list import BY_LABEL, KERNELS, REFERENCE

needs_valgrind = pytest.mark.skipif(not is_countable(), reason="valgrind is not installed")


@pytest.mark.parametrize(("now", "word"), [(1.249, "ok"), (1.25, "LOSS"), (3.0, "LOSS"), (1.0, "ok"), (0.1, "ok")])
def test_compare_calls_a_quarter_more_a_loss(now: float, word: str) -> None:
    """The limit itself is a loss; less than it, and any gain, is none."""
    (row,) = compare({"a": 1.0}, {"a": now})
    assert row.word == word
    assert row.change == pytest.approx(now - 1)


def test_compare_keeps_what_came_and_what_went() -> None:
    """A kernel on one side alone is neither good nor bad, and it shows."""
    rows = compare({"a": 1.0, "old": 2.0}, {"young": 3.0, "a": 1.0})
    assert [(row.label, row.word) for row in rows] == [("young", "new"), ("a", "ok"), ("old", "gone")]
    assert not any(row.is_loss for row in rows)
    assert [line.split()[-1] for line in format_rows(rows).splitlines()[1:]] == ["new", "ok", "gone"]


def test_baseline_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Ratios keep five digits."""
    file = tmp_path / "baseline.json"
    write_baseline(file, Baseline({"python": "CPython 3.11.7"}, {Unit.CPU: {"a: b": 0.123456789}}))
    read = read_baseline(file)
    assert read.ratios == {Unit.CPU: {"a: b": 0.12346}}
    assert read.python == "CPython 3.11.7"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"machine": {}, "ratios": {}}',
        '{"machine": {}, "ratios": {"cpu": {}}}',
        '{"machine": {}, "ratios": {"cpu": {"a": 0}}}',
        '{"machine": {}, "ratios": {"cpu": {"a": "1"}}}',
        '{"machine": {}, "ratios": {"cpu": {"a": NaN}}}',
        '{"machine": {}, "ratios": {"cpu": {"a": true}}}',
        "[" * 100_000,
    ],
)
def test_baseline_refuses_a_damaged_file(tmp_path: Path, text: str) -> None:
    """Whatever is wrong, it is one sentence."""
    file = tmp_path / "baseline.json"
    file.write_text(text)
    with pytest.raises(BadBaseline, match=r"damaged: .*--write"):
        read_baseline(file)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b'{"machine'])
def test_check_without_a_usable_baseline_exits_2(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so in one line before it measures anything."""
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_bytes(content)
    assert main(["check", "--tiny", "--baseline", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert str(file) in err


def test_check_of_a_file_it_cannot_write_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is not there is one sentence."""
    assert main(["check", "--tiny", "--write", "--by", "cpu", "--baseline", str(tmp_path / "none" / "b.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def _doctor(file: Path, unit: Unit, factor: float) -> None:
    """Make a baseline say that everything cost so many times as much as it did."""
    data = json.loads(file.read_text())
    data["ratios"][unit.value] = {label: ratio * factor for label, ratio in data["ratios"][unit.value].items()}
    file.write_text(json.dumps(data))


@pytest.mark.parametrize("unit", [Unit.CPU, pytest.param(Unit.INSTRUCTIONS, marks=needs_valgrind)])
def test_check_finds_a_loss_in_a_doctored_baseline(
    tmp_path: Path, unit: Unit, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is written is compared: a baseline ten times cheaper makes it fail, one a hundred times dearer does not."""
    file = tmp_path / "baseline.json"
    arguments = ["check", "--tiny", "--by", unit.value, "--baseline", str(file)]
    assert main([*arguments, "--write"]) == 0
    assert set(read_baseline(file).ratios[unit]) == set(TINY_LABELS)
    capsys.readouterr()
    _doctor(file, unit, 0.1)
    assert main(arguments) == 1
    assert "2 of 2 kernels cost at least 25% more" in capsys.readouterr().out
    if unit is Unit.CPU:
        _doctor(file, unit, 100.0)
        assert main([*arguments, "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert [row["verdict"] for row in report["rows"]] == ["ok", "ok"]


def test_check_by_a_unit_that_the_baseline_lacks_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Instructions and CPU times are not compared with each other."""
    file = tmp_path / "baseline.json"
    write_baseline(file, Baseline({}, {Unit.INSTRUCTIONS: {TINY_LABELS[0]: 1.0}}))
    assert main(["check", "--tiny", "--by", "cpu", "--baseline", str(file)]) == 2
    assert "has no ratios of cpu" in capsys.readouterr().err


def test_check_says_where_the_tool_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without valgrind a count is refused with how to get it, and a check falls back to CPU time."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["micro", "--instructions", "--only", "codec"]) == 0
    assert "apt-get install valgrind" in capsys.readouterr().err
    file = tmp_path / "baseline.json"
    write_baseline(file, Baseline({}, {unit: dict.fromkeys(TINY_LABELS, 1e9) for unit in Unit}))
    assert main(["check", "--tiny", "--json", "--baseline", str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["unit"] == "cpu"


@needs_valgrind
def test_micro_counts_instructions(capsys: pytest.CaptureFixture[str]) -> None:
    """A count is of the call alone: the start and the preparation, a thousand times more, are not in it."""
    assert main(["micro", "--instructions", "--only", "rumor", "--only", "udp", "--tiny", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "no kernel whose instructions are counted: udp" in err
    counts = [one["median"] for one in json.loads(out)["subjects"]["rumor"]]
    assert len(counts) == 2
    assert all(1_000 < count < 1_000_000 for count in counts)


def test_the_baseline_of_the_repository_holds_every_kernel() -> None:
    """Who adds a kernel writes the baseline anew."""
    baseline = read_baseline(DEFAULT_FILE)
    for unit in Unit:
        assert set(baseline.ratios[unit]) == {kernel.label for kernel in KERNELS if kernel is not REFERENCE}


def test_kernels_have_labels_of_their_own() -> None:
    """A baseline could not tell two of one label apart."""
    assert len(BY_LABEL) == len(KERNELS)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.label)
def test_kernel_can_be_repeated(kernel: Kernel) -> None:
    """Each gives so many calls as are asked for, again and again, and none fails."""
    calls = kernel.prepare()
    for count in (2, 3):
        fresh = calls(count)
        assert len(fresh) == count
        make_calls(fresh)
