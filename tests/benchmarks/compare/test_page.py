"""The page: one file, with tables and plots, or tables alone."""

import sys
from pathlib import Path

import pytest

from benchmarks.compare.comparison import Comparison
from benchmarks.compare.page import compose_page, write_page
from benchmarks.compare.plan import Wish
from benchmarks.compare.scale import Scale
from benchmarks.compare.shoal import Shoal
from protocol.error import InvalidRequest


@pytest.fixture
def comparison() -> Comparison:
    """A run of which something was measured."""
    wish = Wish((5,), ("start",), 1, 0, 0.0, 1)
    made = Comparison([Shoal()], {"serf": "serf is <not> here."}, "python -m benchmarks compare", wish, Scale())
    for node_count in (5, 20):
        made.tally.add("shoal", node_count, {"start": 0.123, "cpu": 1.5, "start_late": 0.0})
    return made


def test_page_has_tables_and_a_plot_for_each_figure(comparison: Comparison) -> None:
    """Sizes share a plot; what is 0 for all has none; foreign text is escaped; nothing is fetched."""
    pytest.importorskip("matplotlib")
    page = compose_page(comparison)
    assert page.count("<svg") == 2
    assert "<h2>5 nodes</h2>" in page
    assert "<h2>20 nodes</h2>" in page
    assert "0.123" in page
    assert "serf is &lt;not&gt; here. It is left out." in page
    assert comparison.machine.commit in page
    assert "http" not in page.replace("HTTP", "").replace("http-equiv", "").replace("http://www.w3.org", "")


def test_page_without_matplotlib_says_so(comparison: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables are there all the same."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = compose_page(comparison)
    assert "<svg" not in page
    assert "matplotlib, which is not installed" in page
    assert "0.123" in page


def test_page_that_cannot_be_written_is_refused(comparison: Comparison, tmp_path: Path) -> None:
    """In one sentence."""
    with pytest.raises(InvalidRequest, match="cannot write"):
        write_page(tmp_path / "no" / "page.html", comparison)
