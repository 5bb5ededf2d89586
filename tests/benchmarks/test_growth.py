"""Growth: what formulas give, how readings become points and pages, and one tiny run of all of it."""

import argparse
import json
import math
import socket
import sys
from pathlib import Path

import pytest

from benchmarks.command import main
from benchmarks.figure import figure
from benchmarks.growth import command, formula, real, simulated
from benchmarks.growth.agent_log import AgentLog, Noticed
from benchmarks.growth.curve import BY_KEY, CURVES, SETTINGS, Growth, Point, Source
from benchmarks.growth.extent import Extent
from benchmarks.growth.loopback import Sent, decode_sent, own_loopback, read_sent
from benchmarks.growth.page import write_page
from benchmarks.growth.room import decode_available_mib, explain_refusal, real_need_mib, simulated_need_mib
from benchmarks.growth.table import format_growth, format_row
from benchmarks.progress import Progress
from protocol.swim.settings import Settings
from protocol.wire.message import Packet, Ping
from simulations.world import World

SIMULATED_ONLY = {"simulator-cpu", "simulator-memory"}
REAL_ONLY = {"cpu", "rss", "pss"}


def _point(key: str, source: Source, nodes: int, *samples: float) -> Point:
    return Point(BY_KEY[key], source, nodes, figure(key, "", samples))


def _growth() -> Growth:
    growth = Growth()
    for point in (
        _point("cpu", "real", 5, 1.0),
        _point("cpu", "real", 20, 1.5),
        _point("simulator-memory", "simulated", 100, 50.0),
        _point("simulator-memory", "simulated", 1_000, 6.0),
        _point("suspicion", "real", 5, 1.0, 2.0, 3.0),
        _point("suspicion", "simulated", 1_000, 1.6),
    ):
        growth.add(point)
    return growth


# --- formulas -----------------------------------------------------------------------------------


def test_first_suspicion_falls_to_swims_limit() -> None:
    """With two members it is one interval, with very many e/(e-1), and it grows in between."""
    times = [formula.first_suspicion_s(nodes, SETTINGS) for nodes in (2, 3, 5, 20, 100_000)]
    assert times[0] == 1.0
    assert times == sorted(times)
    assert times[-1] == pytest.approx(math.e / (math.e - 1), abs=1e-4)


@pytest.mark.parametrize(("nodes", "suspicion_s"), [(3, 4.0), (10, 4.0), (100, 8.0), (10_000, 16.0)])
def test_verdict_comes_a_shortest_suspicion_later(nodes: int, suspicion_s: float) -> None:
    """Alpha times the decimal logarithm, at least 1, in probe intervals."""
    waited_s = formula.first_verdict_s(nodes, SETTINGS) - formula.first_suspicion_s(nodes, SETTINGS)
    assert waited_s == pytest.approx(suspicion_s)


def test_last_verdict_is_a_dissemination_later() -> None:
    """At 1,000 members: 2 ln 1000 / 3 rounds of 0.2 s."""
    spread_s = formula.last_verdict_s(1_000, SETTINGS) - formula.first_verdict_s(1_000, SETTINGS)
    assert spread_s == pytest.approx(0.9210, abs=1e-4)
    assert formula.dissemination_s(1_000, SETTINGS) == pytest.approx(spread_s)


def test_idle_bytes_do_not_grow_but_for_rarer_syncs() -> None:
    """A ping and an ack a second whatever n; syncs come the more rarely the more members there are."""
    per_s = [formula.idle_bytes_per_s(nodes, SETTINGS) for nodes in (5, 50, 1_000, 10_000)]
    assert per_s == sorted(per_s, reverse=True)
    assert per_s[-1] == pytest.approx(213 + formula.SYNC_SIZE / 3_000)
    assert formula.idle_packets_per_s(5, SETTINGS) == pytest.approx(2.06)
    assert formula.idle_packets_per_s(5, Settings.wan()) == pytest.approx(0.4 + 18 / 600)


def test_datagram_size_holds_all_headers() -> None:
    """IP and UDP 28, seal 66, and a ping of 8 bytes."""
    assert formula.datagram_size(Packet((Ping(2**32 - 1),))) == 102


def test_wire_counter_agrees_with_the_formula_on_what_a_sync_takes() -> None:
    """Over some sync periods of two members nothing is sent but pings, acks and syncs of equal views."""
    world, wire, lasts_s = World(1, SETTINGS), simulated.WireCounter(), 1_800.0
    world.watch(wire, routine=True)
    nodes = world.settled(2)
    world.run(lasts_s)
    syncs = sum(node.engine.counters.syncs for node in nodes)
    streams_size = wire.bytes - sum(node.sent for node in nodes) * 106.5
    assert syncs > 10
    assert streams_size / syncs == pytest.approx(formula.SYNC_SIZE, rel=0.03)


# --- curves -------------------------------------------------------------------------------------


def test_a_curve_without_formula_is_held_against_its_smallest_size() -> None:
    """A level stays, or falls as 1/n; each source has its own."""
    growth = _growth()
    assert [row.expected for row in growth.rows(BY_KEY["cpu"])] == [1.0, 1.0]
    assert [row.ratio for row in growth.rows(BY_KEY["cpu"])] == [1.0, 1.5]
    assert [row.expected for row in growth.rows(BY_KEY["simulator-memory"])] == [50.0, 5.0]


def test_real_points_come_before_simulated_ones() -> None:
    """Each source in growing order, whatever order they were measured in."""
    growth = Growth()
    for source, nodes in (("simulated", 1_000), ("real", 20), ("simulated", 100), ("real", 5)):
        growth.add(_point("change", source, nodes, 0.5))  # type: ignore[arg-type]
    order = [(row.point.source, row.point.nodes) for row in growth.rows(BY_KEY["change"])]
    assert order == [("real", 5), ("real", 20), ("simulated", 100), ("simulated", 1_000)]


def test_table_has_formula_and_ratio() -> None:
    """Each curve has its formula in words; each line the value there, and measured through it."""
    text = format_growth(_growth())
    assert "formula: probe interval / (1 - (1 - 1/(n-1))^(n-1))" in text
    assert "kill -9 to the first verdict" not in text
    lines = [line.split() for line in text.splitlines()]
    assert ["nodes", "measured", "spread", "formula", "ratio"] in lines
    assert ["real", "5", "2.00", "1.00", "to", "3.00", "of", "3", "1.46", "1.37"] in lines
    assert ["simulated", "1,000", "6.00", "5.00", "1.20"] in lines


def test_row_is_said_in_one_line() -> None:
    """As it comes, a point is a line with all that the table will have."""
    said = format_row(Growth().add(_point("bytes", "real", 5, 218.7)))
    assert "\n" not in said
    assert said.startswith("real      N = 5")
    assert said.endswith("formula       219, ratio 1.00")


# --- pages --------------------------------------------------------------------------------------


def test_page_draws_each_measured_curve(tmp_path: Path) -> None:
    """A plot and a table for each, with what was measured on; nothing is fetched."""
    path = tmp_path / "growth.html"
    assert write_page(path, _growth(), {"Machine": "two <cores>"}) == ""
    page = path.read_text()
    assert page.count("<svg") == page.count("<table>") == page.count("<section") == 3
    assert "two &lt;cores&gt;" in page
    assert "://" not in page


def test_page_without_matplotlib_has_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is said, and how to get it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    path = tmp_path / "growth.html"
    assert "pip install" in write_page(path, _growth(), {})
    page = path.read_text()
    assert page.count("<table>") == 3
    assert "<svg" not in page


# --- what readings come from --------------------------------------------------------------------


def test_agent_log_reads_on_where_it_stopped(tmp_path: Path) -> None:
    """Half a line waits for its end; what is no event is passed by."""
    path = tmp_path / "n1.log"
    line = json.dumps({"time": "2026-01-01T00:00:01.250Z", "event": "member-failed", "name": "n3"})
    path.write_text(f"Traceback (most recent call last):\n{{}}\n[1]\n{line}\n{line[:20]}")
    log = AgentLog(path)
    log.look()
    assert [noticed.name for noticed in log.noticed] == ["n3"]
    with path.open("a") as file:
        file.write(line.replace("n3", "n4")[20:] + "\n")
    log.look()
    log.look()
    assert log.count("member-failed") == 2
    since = log.noticed[0].at
    assert log.first_after(since, "member-failed", "n4") == since
    assert log.first_after(since + 0.001, "member-failed", "n4") is None


def test_decode_sent_takes_loopbacks_transmitted() -> None:
    """Columns of /proc/net/dev: eight of what was received, then what was sent."""
    lo = "    lo:  10  1 0 0 0 0 0 0  20  2 0 0 0 0 0 0\n"
    assert decode_sent(f"Inter-| Receive\n  eth0: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n{lo}") == Sent(packets=2, bytes=20)
    with pytest.raises(LookupError):
        decode_sent("Inter-| Receive\n")


def test_own_loopback_counts_what_is_sent_in_it_alone() -> None:
    """A datagram of 100 bytes is one packet of 128; afterwards the thread is where it was."""
    before = _namespace()
    with own_loopback() as is_own:
        if not is_own:
            pytest.skip("no network namespace of one's own here: it needs Linux and root")
        assert read_sent() == Sent(0, 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, socket.socket(socket.AF_INET, 2) as other:
            one.bind(("127.0.0.1", 0))
            other.sendto(bytes(100), one.getsockname())
            assert len(one.recv(200)) == 100
        assert read_sent() == Sent(1, 128)
    assert _namespace() == before


def _namespace() -> str:
    path = Path("/proc/thread-self/ns/net")
    return str(path.readlink()) if path.exists() else ""


def test_available_memory_is_read_in_mib() -> None:
    """Linux writes kB."""
    assert decode_available_mib("MemTotal: 9 kB\nMemAvailable:    2048 kB\n") == 2.0
    with pytest.raises(LookupError):
        decode_available_mib("MemTotal: 9 kB\n")


def test_refusal_is_one_sentence_about_what_is_missing() -> None:
    """200 processes take 6,000 MiB; a tenth of what is free is left to others."""
    assert explain_refusal("they", real_need_mib(200), 6_700.0) == ""
    assert explain_refusal("they", real_need_mib(200), None) == ""
    assert "need about 6,000 MiB and 6,600 MiB are free" in explain_refusal("they", real_need_mib(200), 6_600.0)
    assert simulated_need_mib(10_000) == pytest.approx(1_330)


# --- the command --------------------------------------------------------------------------------


def test_read_sizes_sorts_and_bounds() -> None:
    """Each size once, in growing order; `none` is no size."""
    assert command.read_sizes("50,5,5", least=3, most=500) == (5, 50)
    assert command.read_sizes("none", least=3, most=500) == ()


@pytest.mark.parametrize("text", ["", "5,", "2", "501", "-5", "5.0", "five", "\u0665"])
def test_read_sizes_refuses_the_rest(text: str) -> None:
    """What is no number, and what is out of bounds."""
    with pytest.raises(argparse.ArgumentTypeError):
        command.read_sizes(text, least=3, most=500)


@pytest.mark.parametrize("text", ["0", "-1", "3601", "nan", "long"])
def test_settling_time_that_is_none_is_refused(text: str) -> None:
    """A usage error, before anything is started."""
    with pytest.raises(SystemExit) as ended:
        main(["scale", "--tiny", "--settle-s", text])
    assert ended.value.code == 2


def test_accusations_of_members_that_ran_are_told_by_when(tmp_path: Path) -> None:
    """Those of a member that was killed later are no wrong ones, and nothing is said where there were none."""
    cluster = object.__new__(real.RealCluster)
    logs = {name: AgentLog(tmp_path / name) for name in ("n1", "n2", "n3")}
    cluster.logs, cluster.dead = logs, {"n3"}
    assert real._wrongs(cluster, 20.0) == ""
    logs["n1"].noticed = [Noticed(10.0, "member-suspect", "n2"), Noticed(30.0, "member-suspect", "n2")]
    logs["n1"].noticed += [Noticed(11.0, "member-suspect", "n3"), Noticed(40.0, "member-failed", "n3")]
    logs["n2"].noticed = [Noticed(12.0, "member-suspect", "n1"), Noticed(30.0, "member-join", "n1")]
    assert real._wrongs(cluster, 20.0) == (
        "suspicions of members that ran: 2 while the cluster grew, 1 later; verdicts on them: 0"
    )


def test_sizes_that_do_not_fit_are_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is started, the sentence says so, and the exit code tells that a size gave nothing."""
    monkeypatch.setattr(command, "free_memory_mib", lambda: 90.0)
    assert main(["scale", "--nodes", "3", "--simulated", "1000"]) == 1
    said = capsys.readouterr().err
    assert "3 processes: they need about 90 MiB and 90 MiB are free" in said
    assert "1,000 simulated nodes: they need about 160 MiB" in said


def test_simulated_cluster_gives_every_curve_it_has() -> None:
    """In this process: each curve that the simulator has a figure for, with one above 0."""
    found = dict(simulated.measure(8, Extent.tiny(), Progress("8 simulated nodes")))
    assert set(found) == {curve.key for curve in CURVES} - REAL_ONLY
    del found["simulator-memory"]  # eight nodes may fit into pages that were there before
    assert all(one.median > 0 for one in found.values())
    assert found["suspicion"].median < found["first"].median <= found["last"].median


@pytest.mark.end_to_end
def test_tiny_run_gives_every_curve(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Three and four processes, 20 and 40 simulated members: a point of each on each curve, and a page."""
    path = tmp_path / "growth.html"
    assert main(["scale", "--tiny", "--json", "--html", str(path)]) == 0
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert report["is_tiny"] is True
    for key, curve in report["curves"].items():
        sizes = [(point["source"], point["nodes"]) for point in curve["points"]]
        wanted = [("real", 3), ("real", 4)] * (key not in SIMULATED_ONLY)
        wanted += [("simulated", 20), ("simulated", 40)] * (key not in REAL_ONLY)
        assert sizes == wanted, key
        for point in curve["points"]:
            assert point["median"] > 0, (key, point)
            assert point["formula"] > 0, (key, point)
    assert "kill -9 to the first verdict" in told.err
    assert path.read_text().count("<svg") == len(CURVES)
