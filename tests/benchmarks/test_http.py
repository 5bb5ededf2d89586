"""The HTTP benchmark runs in its smallest form, and reads what its clients and nodes say."""

import json
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from benchmarks.agent_process import AgentProcess, Cluster
from benchmarks.command import main
from benchmarks.figure import Figure
from benchmarks.http import alarm, route
from benchmarks.http.route import Comparison, Route, Scale, format_comparisons
from benchmarks.http_load import Load, load_with_client, parse_wrk
from benchmarks.lateness import RecordingLateness, lateness_figures
from benchmarks.progress import Progress

WRK_REPORT = """Running 2s test @ http://127.0.0.1:4646/v1/agent/members
  1 threads and 256 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    96.44ms   48.12ms   1.21s    95.21%
    Req/Sec     2.60k   226.35     2.92k    75.00%
  Latency Distribution
     50%  897.00us
     75%   97.35ms
     90%  101.01ms
     99%    1.21s{space}
  5196 requests in 2.01s, 149.40MB read
Requests/sec:   2585.62
Transfer/sec:     74.34MB
""".format(space=" ")  # wrk pads units


def test_wrk_report_is_read() -> None:
    """Requests, the time they took, and latencies in any unit."""
    got = parse_wrk(WRK_REPORT)
    assert got == Load(5_196, 2.01, 0.000897, 1.21)
    assert got.rate == pytest.approx(5_196 / 2.01)


def test_wrk_report_of_minutes_is_read() -> None:
    """A long load is told in minutes."""
    assert parse_wrk(WRK_REPORT.replace("in 2.01s", "in 5.00m")).duration_s == 300.0


@pytest.mark.parametrize(
    "report",
    [
        "",
        "unable to connect to 127.0.0.1:1 Connection refused",
        WRK_REPORT.replace("Requests/sec", "  Non-2xx or 3xx responses: 3\nRequests/sec"),
        WRK_REPORT.replace("     99%    1.21s \n", ""),
        WRK_REPORT.replace("5196 requests", "0 requests"),
    ],
)
def test_wrk_report_that_says_something_else_is_refused(report: str) -> None:
    """A load that failed, in whole or in part, is no figure."""
    with pytest.raises(RuntimeError, match="wrk reports"):
        parse_wrk(report)


def _comparison(*rounds: tuple[float, float]) -> Comparison:
    one = Comparison(Route(route.MEMBERS, 1_000), 16)
    for node, bare in rounds:
        one.node.add(Load(round(node), 1.0, 0.002, 0.004), 0.5)
        one.bare.add(Load(round(bare), 1.0, 0.001, 0.003), 0.25)
    return one


def test_comparison_is_by_round() -> None:
    """The ratio is the median of the rounds' ratios, so one slow round moves neither side's alone."""
    one = _comparison((80, 100), (8, 10), (90, 100))
    report = one.as_json()
    assert report["ratio"] == pytest.approx(0.8)
    assert (report["ratio_low"], report["ratio_high"]) == (pytest.approx(0.8), pytest.approx(0.9))
    assert report["node"] == {
        "requests_per_s": 80,
        "p50_ms": pytest.approx(2.0),
        "p99_ms": pytest.approx(4.0),
        "cpu_us": pytest.approx(6_250),
    }
    assert "/v1/agent/members, 1,000 members" in format_comparisons([one])


def test_full_scale_is_what_performance_md_says() -> None:
    """Members of 100 and of 1,000, health and self, under 1, 16 and 256 connections."""
    full = Scale.full()
    assert [one.title for one in full.routes] == [
        "/v1/agent/members, 100 members",
        "/v1/agent/members, 1,000 members",
        "/v1/agent/health",
        "/v1/agent/self",
    ]
    assert full.connection_counts == (1, 16, 256)


def test_lateness_figures_of_samples() -> None:
    """Median, 99th percentile and largest, in milliseconds; an early timer is on time."""
    lateness = RecordingLateness()
    for late_s in [-0.001, *[0.002] * 99, 0.5]:
        lateness.add(late_s)
    assert [one.median for one in lateness_figures(lateness.samples)] == [2.0, 2.0, 500.0]
    assert sum(lateness.counts) == 101
    assert list(lateness_figures([0.1])) == []


def test_alarm_figures_count_what_every_node_said() -> None:
    """Whoever was held for suspect anywhere is in the sum; what was counted before the load is not."""
    names = ("probes", "probe_failures", "stalls", "suspicions", "failures", "refutations")
    before = [{f"shoal_{name}_total": 5.0 for name in names} for _ in range(3)]
    after = [dict(one) for one in before]
    after[2]["shoal_suspicions_total"] = 7.0
    after[0]["shoal_refutations_total"] = 6.0
    scale = alarm.Scale.tiny(1.0)
    figures = {one.name: one for one in alarm.alarm_figures(scale, [Load(10, 1.0, 0.1, 0.2)], 1.0, before, after)}

    def value(name: str) -> tuple[float, bool | None]:
        one: Figure = figures[name]
        return one.median, one.is_met

    assert value("members held for suspect") == (2.0, False)
    assert value("members held for failed") == (0.0, True)
    assert value("charges refuted") == (1.0, False)


def test_alarm_tells_of_an_agent_that_ended_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its counters are asked for: there is nobody to ask."""
    cluster = Cluster(tmp_path)
    ended = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    ended.wait()
    cluster.agents.append(AgentProcess(ended, 1, 1, 0.0))
    cluster.log_of("n1").write_text("no space left")
    watched = Mock(alarm.Watched, agent=AgentProcess(ended, 2, 2, 0.0))
    monkeypatch.setattr(alarm, "_load", lambda *_: ([], 0.0))
    monkeypatch.setattr(alarm, "_read", Mock(side_effect=[{}, {}, OSError("nobody answers")]))
    scale = alarm.Scale(1, 1, 0.0, 0.0)
    with pytest.raises(RuntimeError, match="agent n1 ended with 3: no space left"):
        alarm._watch_load(scale, watched, cluster, cluster.agents, Progress("alarm"))


@pytest.mark.parametrize("text", ["0", "-1", "nan", "1e9", "soon"])
def test_http_refuses_a_time_that_is_none(text: str) -> None:
    """That is a usage error, before anything is started."""
    with pytest.raises(SystemExit) as ended:
        main(["http", "--tiny", "--alarm-s", text])
    assert ended.value.code == 2


@pytest.mark.end_to_end
def test_http_gives_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """Both sides of every route answered, the nodes under load served their timers, and nobody was held failed."""
    assert main(["http", "--tiny", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert len(report["routes"]) == 4
    for one in report["routes"]:
        assert one["ratio"] > 0
        for side in (one["node"], one["bare"]):
            assert all(value > 0 for value in side.values()), one
            assert side["p50_ms"] <= side["p99_ms"]
    titles = ["no load", "8 connections to one of 3 nodes", "8 connections to each of 3 nodes"]
    assert [one["title"] for one in report["alarm"]] == titles
    for load, loaded_count in zip(report["alarm"][1:], (1, 3), strict=True):
        figures = {one["name"]: one for one in load["figures"]}
        assert figures["timer lateness, largest"]["median"] > 0
        assert figures["requests meanwhile, each node"]["sample_count"] == loaded_count
        assert figures["requests meanwhile, each node"]["low"] > 0
        assert figures["members held for failed"]["median"] == 0


@pytest.mark.end_to_end
def test_http_runs_without_wrk(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where wrk is not installed the client of ours loads, and the routes can be had alone."""
    monkeypatch.setattr("benchmarks.http.route.best_client", lambda: ("client", load_with_client))
    assert main(["http", "--tiny", "--json", "--only", "routes"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["client"] == "client"
    assert report["alarm"] == []
    assert all(one["node"]["p50_ms"] > 0 for one in report["routes"])
