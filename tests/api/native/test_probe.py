"""What supervisors and Prometheus ask."""

from api.view import Health
from tests.api.asker import ask
from tests.api.fake_view import FakeView


async def test_probes_well() -> None:
    """A node that is well says so with 200."""
    for path in ("/livez", "/readyz"):
        answer = await ask(FakeView(), "GET", path)
        assert (answer.status, answer.json) == (200, {"ok": True})


async def test_probes_ill() -> None:
    """Each tells its own reason with 503."""
    view = FakeView()
    view.is_live = Health(False, "no timer has run for 6 s")
    view.is_ready = Health(False, "no seed has answered yet")
    live = await ask(view, "GET", "/livez")
    assert (live.status, live.json) == (503, {"ok": False, "error": "no timer has run for 6 s", "code": "NOT_LIVE"})
    ready = await ask(view, "GET", "/readyz")
    assert (ready.status, ready.json["code"]) == (503, "NOT_READY")


async def test_readyz_tells_what_an_operator_should_know() -> None:
    """Warnings stand beside what is well, and beside what is not."""
    view = FakeView()
    view.is_ready = Health(True, "", ("license acme expires in 12 days, on 2027-01-01",))
    ready = await ask(view, "GET", "/readyz")
    said = ["license acme expires in 12 days, on 2027-01-01"]
    assert (ready.status, ready.json) == (200, {"ok": True, "warnings": said})
    view.is_ready = Health(False, "leaving", tuple(said))
    ready = await ask(view, "GET", "/readyz")
    assert (ready.status, ready.json) == (
        503, {"ok": False, "error": "leaving", "code": "NOT_READY", "warnings": said},
    )  # fmt: skip


async def test_metrics_text() -> None:
    """Each kind is written as Prometheus reads it, with help and type."""
    lines = (await ask(FakeView(), "GET", "/metrics")).text.splitlines()
    assert "# TYPE shoal_members gauge" in lines
    assert 'shoal_members{status="alive"} 3.0' in lines
    assert "# TYPE shoal_syncs_total counter" in lines
    assert "shoal_syncs_total 5.0" in lines
    assert 'shoal_probe_rtt_seconds_bucket{le="+Inf"} 3.0' in lines
    assert "shoal_probe_rtt_seconds_count 3.0" in lines
    assert "shoal_probe_rtt_seconds_sum 0.007" in lines
