"""The page as a whole: it stands alone, is well formed, and believes no text it was given."""

import builtins
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from protocol.error import InvalidRequest
from simulations.report import write_report
from simulations.report.violation_list import PER_RUN_MAX
from simulations.result import Moment, Result, Violation
from tests.simulations.report.invented import invent_campaign, invent_long_partition, invent_result

pytest.importorskip("matplotlib", reason="the plots are an extra: shoal[simulations]")

VOID = {"meta", "br", "link", "img", "hr", "input"}
ABOUT = {"machine": "2 cores", "Python": "3.11", "commit": "0123abcd", "command": "python -m simulations campaign"}
EVIL = "<script>alert('x')</script>\"><img src=x onerror=y>&amp;$x_1$\x00\u202e\ud800"
MEGABYTE = 1_000_000


class Reader(HTMLParser):
    """Checks that every tag is closed where it should be, and gathers what is in the page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.handle_startendtag(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    """Parse a page; every tag in it is closed."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def write(folder: Path, results: Sequence[Result], about: Mapping[str, str] = ABOUT) -> str:
    """Write a report and give its text."""
    path = folder / "report.html"
    write_report(path, results, title="Simulations", about=about)
    return path.read_text(encoding="utf-8")


def test_page_is_self_contained(tmp_path: Path) -> None:
    """Nothing in the page is fetched from anywhere, and nothing in it runs."""
    page = write(tmp_path, invent_campaign(24, broken_every=8))
    reader = read(page)

    assert "://" not in page
    assert not {"script", "link", "iframe", "object", "embed", "img", "base"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name in {"src", "srcset"} or name.startswith("on")]
    assert all(value.startswith("#") for name, value in reader.attributes if name.endswith("href"))
    assert all(address.startswith("#") for address in re.findall(r"url\(['\"]?([^)]*)", page))
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_page_is_well_formed_and_its_anchors_meet(tmp_path: Path) -> None:
    """Every tag is closed, no id is there twice, and whatever is pointed at exists."""
    page = write(tmp_path, [*invent_campaign(24, broken_every=8), invent_long_partition()])
    reader = read(page)

    ids = [value for name, value in reader.attributes if name == "id"]
    pointed = {value[1:] for name, value in reader.attributes if name == "href"} | set(
        re.findall(r"url\(#([^)]*)", page)
    )
    assert len(ids) == len(set(ids))
    assert pointed <= set(ids)
    assert {"summary", "violations", "detection", "traffic", "run"} <= pointed


def test_page_names_each_plot_for_those_who_do_not_see_it(tmp_path: Path) -> None:
    """Each plot has a text for a screen reader, with the figures in it."""
    page = write(tmp_path, invent_campaign(12))
    labels = re.findall(r'<svg class="plot[^>]*role="img" aria-label="([^"]*)"', page)
    assert len(labels) == page.count('<svg class="plot') == 4
    assert "median" in labels[0]


def test_page_holds_every_command(tmp_path: Path) -> None:
    """Every run with a violation is there with the command that replays it, also beyond those told in full."""
    results = invent_campaign(400, broken_every=2)
    text = "".join(read(write(tmp_path, results)).text)
    broken = [run.command for run in results if run.violations]
    assert len(broken) == 200
    assert [command for command in broken if f"{command}" not in text] == []


def test_page_tells_violations_of_a_run_up_to_a_bound(tmp_path: Path) -> None:
    """Of a run that breaks everywhere the first violations are told and the others counted."""
    many = tuple(Violation("order", 1.0, f"n{number}", f"seen {number}") for number in range(PER_RUN_MAX + 3))
    page = write(tmp_path, [replace(invent_result("crash", 1), violations=many)])
    listed = page[page.index('<section id="violations">') : page.index('<section id="detection">')]
    assert f"seen {PER_RUN_MAX - 1}" in listed
    assert f"seen {PER_RUN_MAX}" not in listed
    assert "and 3 more in this run" in listed


def test_page_says_that_nothing_was_violated(tmp_path: Path) -> None:
    """A campaign without a violation says so, and of how many runs."""
    assert "No violation in 12 runs." in write(tmp_path, invent_campaign(12))


def test_page_escapes_all_text_from_results(tmp_path: Path) -> None:
    """Markup in any text of a result, or in what is said about it, arrives as text."""
    run = invent_result("crash", 1)
    evil = replace(
        run,
        scenario=EVIL,
        profile=EVIL,
        digest=EVIL,
        command=EVIL,
        counts={EVIL: 3},
        violations=(Violation(EVIL, 1.0, EVIL, EVIL),),
        detections=tuple(replace(each, observer=EVIL, subject=EVIL) for each in run.detections),
        traffic=tuple(replace(each, node=EVIL) for each in run.traffic),
        timeline=(
            *run.timeline,
            Moment(2.0, EVIL, "fault", EVIL),
            Moment(2.0, "", "fault", EVIL),
            Moment(3.0, EVIL, EVIL, EVIL, EVIL),
        ),
    )
    page = write(tmp_path, [evil], about={EVIL: EVIL})
    reader = read(page)

    assert not {"script", "img"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name == "onerror"]
    assert "<script>alert" in "".join(reader.text)
    assert "$x_1$" in page
    assert not set("\x00\u202e") & set(page)


def test_page_is_the_same_for_the_same_results(tmp_path: Path) -> None:
    """The same results give the same bytes."""
    results = invent_campaign(24, broken_every=5)
    assert write(tmp_path, results) == write(tmp_path, results)


@pytest.mark.parametrize("broken_every", [0, 1], ids=["whole", "all broken"])
def test_page_of_two_thousand_runs_is_bounded(tmp_path: Path, broken_every: int) -> None:
    """The page's size hardly depends on the number of runs; all broken, their commands are the larger part."""
    page = write(tmp_path, invent_campaign(2_000, broken_every=broken_every, nodes=12))
    assert len(page.encode()) < MEGABYTE


def test_page_of_a_run_that_never_rests_is_bounded(tmp_path: Path) -> None:
    """A hundred thousand changes of all kinds at thirty nodes do not make the page large."""
    kinds = ("member-suspect", "member-alive", "member-failed", "member-update")
    flood = tuple(
        Moment(at / 100, f"n{at * 7 % 30}", kinds[at % 4], "a reason " * 10, f"n{at % 30}") for at in range(100_000)
    )
    page = write(tmp_path, [replace(invent_result("crash", 1, 30), timeline=flood, virtual_s=1_000.0)])
    assert len(page) < 1.5 * MEGABYTE
    assert page.count('<use href="#mark-failed"') > 100


def test_page_of_many_scenarios_is_bounded(tmp_path: Path) -> None:
    """More scenarios than are drawn, with more runs broken than are listed, still make a page one can open."""
    long = "x" * 10_000
    results = [
        replace(invent_result("crash", number, 5, violations=1), scenario=f"scenario {number}", command=long)
        for number in range(300)
    ]
    page = write(tmp_path, results)
    assert len(page) < 1.5 * MEGABYTE
    assert "further scenario" in page
    assert "further runs with a violation not listed" in page


def test_page_draws_a_flooder_beside_the_others(tmp_path: Path) -> None:
    """Where one node sends a thousand times what others do, the axis is logarithmic, in plain numbers."""
    run = invent_result("liar", 1)
    flooded = replace(run, traffic=(*run.traffic[:-1], replace(run.traffic[-1], datagrams=900_000)))
    page = write(tmp_path, [flooded, invent_result("steady", 1)])
    section = page[page.index('<section id="traffic">') : page.index('<section id="run">')]
    assert {">10<", ">100<", ">1,000<"} <= set(re.findall(r">[0-9,]+<", section))


@pytest.mark.parametrize(
    "bare",
    [
        {"detections": (), "views": (), "traffic": (), "timeline": (), "counts": {}},
        {"virtual_s": 0.0, "wall_s": 0.0},
        {"views": (), "timeline": (Moment(0.0, "n0", "member-join", "", "n1"),)},
        {"timeline": (Moment(5.0, "", "fault", "loss"),), "traffic": ()},
    ],
    ids=["nothing", "no time", "one moment", "no node"],
)
def test_page_of_a_bare_run_says_what_is_missing(tmp_path: Path, bare: dict[str, object]) -> None:
    """A run that recorded nothing, or hardly anything, makes a page all the same."""
    read(write(tmp_path, [replace(invent_result("crash", 1), **bare)]))  # type: ignore[arg-type]


def test_report_of_nothing_is_refused(tmp_path: Path) -> None:
    """Without a result there is one sentence, and no file."""
    path = tmp_path / "report.html"
    with pytest.raises(InvalidRequest, match="no result"):
        write_report(path, [], title="Simulations", about={})
    assert not path.exists()


def test_report_to_an_impossible_place_is_refused(tmp_path: Path) -> None:
    """A path that cannot be written is named."""
    with pytest.raises(InvalidRequest, match=r"cannot write .*missing"):
        write_report(tmp_path / "missing" / "a.html", [invent_result("crash", 1)], title="Simulations", about={})


def test_report_without_matplotlib_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, the sentence names it; nothing is written."""
    genuine = builtins.__import__

    def refuse(name: str, *args: object, **more: object) -> object:
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return genuine(name, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(InvalidRequest, match=r"shoal\[simulations\]"):
        write_report(tmp_path / "report.html", [invent_result("crash", 1)], title="Simulations", about={})
    assert not (tmp_path / "report.html").exists()
