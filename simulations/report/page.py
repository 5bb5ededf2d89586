"""The page: its head, its sections, and the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from protocol.error import InvalidRequest
from simulations.report.choice import choose_run
from simulations.report.detection_plot import PLOTS_MAX, compose_detection_table, draw_detections
from simulations.report.drawing import open_drawing
from simulations.report.scenario_group import Group, gather_detections, gather_send_rates, group_results
from simulations.report.style import compose_style
from simulations.report.summary import compose_summary
from simulations.report.time_axis import gather_times
from simulations.report.timeline import draw_timeline
from simulations.report.traffic_plot import ROWS_MAX, draw_traffic
from simulations.report.view_plot import draw_views
from simulations.report.violation_list import compose_violations
from simulations.report.wording import count, duration, escape, figure
from simulations.result import Result

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The browser itself holds the page to what it promises: no script, and nothing fetched."""


@dataclass(frozen=True, slots=True)
class _Section:
    anchor: str
    title: str
    body: str


def write_report(path: Path, results: Sequence[Result], *, title: str, about: Mapping[str, str]) -> None:
    """Write one HTML page that needs nothing else; the same arguments give the same bytes.

    `about` says what the runs were made with (machine, Python, commit, command), in the order it is shown.
    Raises InvalidRequest, with nothing written, where there is no result, where matplotlib is missing, and
    where the file cannot be written.
    """
    page = _compose_page(results, title, about)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"cannot write {path}: {error.strerror or error}") from error


def _compose_page(results: Sequence[Result], title: str, about: Mapping[str, str]) -> str:
    if not results:
        raise InvalidRequest("there is no result to report on: give at least one run")
    groups = group_results(results)
    with open_drawing():
        sections = [
            _Section("summary", "Scenarios", compose_summary(groups)),
            _Section("violations", "Violations", compose_violations(results)),
            _Section("detection", "Detection times", _compose_detection(groups)),
            _Section("traffic", "Messages per node", _compose_traffic(groups)),
            _compose_run(results),
        ]
    contents = "".join(f'<li><a href="#{section.anchor}">{section.title}</a></li>' for section in sections)
    body = "".join(
        f'<section id="{section.anchor}"><h2>{section.title}</h2>{section.body}</section>' for section in sections
    )
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in about.items())
    facts = f'<dl class="about">{facts}</dl>' if facts else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{compose_style()}</style></head>\n<body><main>"
        f"<header><h1>{escape(title)}</h1>{facts}"
        f'{_compose_figures(results, groups)}<nav aria-label="Contents"><ul>{contents}</ul></nav></header>\n'
        f"{body}<footer>Times are virtual unless it says otherwise. The same scenario, seed, nodes and options give "
        "the same run.</footer></main></body></html>\n"
    )


def _compose_figures(results: Sequence[Result], groups: Sequence[Group]) -> str:
    violations = sum(group.violations for group in groups)
    virtual_s = sum(group.virtual_s for group in groups)
    wall_s = sum(group.wall_s for group in groups)
    figures = [
        (f"{len(results):,}", "run" if len(results) == 1 else "runs", ""),
        (f"{len(groups):,}", "scenario" if len(groups) == 1 else "scenarios", ""),
        (f"{violations:,}", "violation" if violations == 1 else "violations", ' class="bad"' if violations else ""),
        (duration(virtual_s), "virtual time", ""),
        (duration(wall_s), "computing, all runs together", ""),
    ]
    items = "".join(f"<li{kind}><b>{value}</b>{name}</li>" for value, name, kind in figures)
    return f'<ul class="figures">{items}</ul>'


def _compose_detection(groups: Sequence[Group]) -> str:
    times = [each for group in groups if (each := gather_detections(group)) is not None]
    if not times:
        return "<p>No member was held failed after it had died.</p>"
    left = len(times) - PLOTS_MAX
    more = f" {count(left, 'further scenario')} only in the table." if left > 0 else ""
    return (
        "<p>From a member's death until an observer holds it failed; the share of deaths noticed up to each time. "
        "First observer: the quickest of a death. Every observer: each that noticed, one by one. The dots are the "
        f"median and the 99th percentile.{more}</p>"
        f'<figure class="wide">{draw_detections(times)}</figure>'
        f"<details><summary>The same as a table</summary>{compose_detection_table(times)}</details>"
    )


def _compose_traffic(groups: Sequence[Group]) -> str:
    rates = [each for group in groups if (each := gather_send_rates(group)) is not None]
    if not rates:
        return "<p>No run measured what its nodes sent.</p>"
    left = len(rates) - ROWS_MAX
    more = f" {count(left, 'further scenario')} not drawn." if left > 0 else ""
    return (
        "<p>Datagrams a node sent, over the whole length of its run. Thick: the middle half of the nodes; thin: from "
        f"1 % to 99 % of them; the circle, with its number, the median; the stroke, the most.{more}</p>"
        f'<figure class="wide">{draw_traffic(rates)}</figure>'
    )


def _compose_run(results: Sequence[Result]) -> _Section:
    choice = choose_run(results)
    run = choice.run
    views = (
        f'<figure class="wide">{draw_views(run.views, gather_times(run))}</figure>'
        if run.views
        else "<p>This run did not record its views.</p>"
    )
    timeline = (
        "<p>A row per node; a mark where that node changed its mind about a member. Point at a mark to read it.</p>"
        f'<figure class="wide">{draw_timeline(run, gather_times(run))}</figure>'
        if run.timeline
        else "<p>This run recorded no timeline.</p>"
    )
    body = (
        f"<p><b>{escape(run.scenario)}, seed {run.seed}, {count(run.nodes, 'node')}</b>: {choice.reason}. "
        f"It covers {duration(run.virtual_s)} with {count(run.events, 'event')}, in {figure(run.wall_s)} s; "
        f"digest <code>{escape(run.digest)}</code>.</p>"
        f"<pre><code>{escape(run.command)}</code></pre>"
        f"<h3>View sizes over time</h3>{views}<h3>Timeline</h3>{timeline}"
    )
    title = f"One run: {escape(run.scenario)}, seed {run.seed}"
    return _Section("run", title, body)
