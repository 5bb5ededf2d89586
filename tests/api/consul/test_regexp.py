"""Regular expressions of filters: by RE2 where it is installed, refused where it is not."""

from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.answer import Problem
from api.consul.filter import read_filter
from api.consul.filter_schema import NODE
from api.consul.regexp import LISTING_S_MAX, PACKAGE_MISSING, BadRegexp, Regexp

HAS_RE2 = find_spec("re2") is not None
needs_re2 = pytest.mark.skipif(not HAS_RE2, reason="google-re2 is not installed")


def test_matches_without_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence names what to install; all other operators work."""
    monkeypatch.setattr("api.consul.regexp._re2", None)
    for text in ("Node matches n", "Node not matches n", "Node == n1 or Meta.rack matches `(`"):
        with pytest.raises(Problem) as refused:
            read_filter(text, NODE)
        assert refused.value.sentence.endswith(PACKAGE_MISSING)
    assert read_filter("Node contains n", NODE)({"Node": "n1"})


@needs_re2
@pytest.mark.parametrize(
    ("text", "found"),
    [("^a.c$", True), ("b", True), ("", True), ("B", False), ("(?i)B", True), ("^c", False), (r"\pL+", True)],
)
def test_regexp_is_looked_for_anywhere(text: str, found: bool) -> None:
    """It matches a part of a text unless it is anchored."""
    assert Regexp(text).is_in("abc") is found


@needs_re2
def test_regexp_takes_linear_time() -> None:
    """An expression at which Python's own never ends is answered."""
    assert not Regexp("(a+)+$").is_in("a" * 4_000 + "b")


@needs_re2
@pytest.mark.parametrize("text", ["(a|b|.){500}", "((a{100}){100}){100}", r"\pL{100}", "(.{0,99}){99}"])
def test_regexp_that_is_too_large_is_refused(text: str) -> None:
    """An expression of too many steps, or one that RE2 itself refuses for that."""
    with pytest.raises(BadRegexp, match=r"expression too large|invalid repeat count"):
        Regexp(text)


@needs_re2
def test_regexp_has_so_much_time_in_one_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once its time is over, the listing is refused with 500; another request begins anew."""
    clock = iter(range(100))
    monkeypatch.setattr("api.consul.regexp.perf_counter", lambda: next(clock))
    keep = read_filter("Node matches n", NODE)
    assert keep({"Node": "n1"})
    with pytest.raises(Problem) as refused:
        keep({"Node": "n2"})
    assert refused.value.status == 500
    assert f"more than {LISTING_S_MAX} s" in refused.value.sentence
    assert read_filter("Node matches n", NODE)({"Node": "n2"})


@needs_re2
@given(st.text(alphabet="ab()[]{}*+?|\\^$.,-:<>=!PpQEd01\u00e9\ud800", max_size=20), st.text(max_size=20))
def test_regexp_is_compiled_or_refused(text: str, searched: str) -> None:
    """Any text is an expression that answers, or is refused in one line."""
    try:
        found = Regexp(text).is_in(searched)
    except BadRegexp as wrong:
        assert "error parsing regexp: " in str(wrong)
        assert "\n" not in str(wrong)
    else:
        assert found in (True, False)
