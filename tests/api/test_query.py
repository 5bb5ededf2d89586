"""Parameters behind the question mark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query import INDEX_MAX, PARAMETER_COUNT_MAX, Query, parse_bool, parse_index
from protocol.error import InvalidRequest


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_bool_true(text: str) -> None:
    """Go's six ways to say true, Python's among them."""
    assert parse_bool(text) is True


@pytest.mark.parametrize("text", ["0", "f", "F", "FALSE", "false", "False"])
def test_bool_false(text: str) -> None:
    """Go's six ways to say false."""
    assert parse_bool(text) is False


@pytest.mark.parametrize("text", ["", "yes", "tRUE", " true", "2", "on"])
def test_bool_refused(text: str) -> None:
    """Anything else, and the empty text, is no boolean."""
    with pytest.raises(ValueError, match="neither true nor false"):
        parse_bool(text)


@pytest.mark.parametrize("text", ["-1", "+1", "1.0", "", " 1", str(INDEX_MAX + 1), "\u0661", "9" * 5000])
def test_index_refused(text: str) -> None:
    """An index is 64 bits without sign."""
    with pytest.raises(ValueError, match="no index"):
        parse_index(text)


def test_query_repeated_parameter() -> None:
    """The first counts where one is wanted; all are there in order where all are."""
    query = Query.parse(b"address=a%3A1&address=b&address=")
    assert query.first("address") == "a:1"
    assert query.every("address") == ["a:1", "b", ""]
    assert query.first("other") is None


def test_query_not_utf8() -> None:
    """Escapes that are not UTF-8 are refused with a sentence where they are asked for, but for words, as any bytes."""
    query = Query.parse(b"node=%ff%fe&note=%ff%fe&ok=1")
    for ask in (query.first, query.every):
        with pytest.raises(InvalidRequest, match="UTF-8 in node"):
            ask("node")
    assert (query.words("note"), query.words("none"), query.first("ok")) == ("\ufffd\ufffd", "", "1")


def test_query_malformed_escape() -> None:
    """The pair is dropped: refused where its value is asked for, no words where words are."""
    query = Query.parse(b"filter=%zz&filter=x&note=a%&%=y&=z&&ok=%31")
    with pytest.raises(InvalidRequest, match="no escape in filter"):
        query.first("filter")
    assert (query.words("note"), query.first("ok"), query.first("%")) == ("", "1", None)


def test_query_too_many_parameters() -> None:
    """The number of parameters has a limit."""
    Query.parse(b"&".join([b"a=1"] * PARAMETER_COUNT_MAX))
    with pytest.raises(InvalidRequest, match="more than"):
        Query.parse(b"&".join([b"a=1"] * (PARAMETER_COUNT_MAX + 1)))


@pytest.mark.parametrize(
    ("raw", "expected"), [(b"", False), (b"pretty", True), (b"pretty=1", True), (b"pretty=0", False)]
)
def test_query_pretty(raw: bytes, expected: bool) -> None:
    """Any value but 0 asks for indentation."""
    assert Query.parse(raw).is_pretty is expected


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"stale=maybe", "Expect `true` or `false`"),
        (b"wait=15", "Invalid wait time"),
        (b"index=-1", "Invalid index"),
    ],
)
def test_query_options_refused(raw: bytes, sentence: str) -> None:
    """What Nomad refuses of the query options is refused in its words."""
    with pytest.raises(InvalidRequest, match=sentence):
        Query.parse(raw).check_options()


@pytest.mark.parametrize(
    "raw", [b"stale", b"stale=", b"stale=True", b"wait=120000ms&index=7", b"wait=&index=", b"x=y", b"x=%ff&y=%zz"]
)
def test_query_options_accepted(raw: bytes) -> None:
    """What clients send passes; unknown parameters are ignored."""
    Query.parse(raw).check_options()


@given(st.binary(max_size=300))
def test_query_any_bytes(raw: bytes) -> None:
    """Any bytes give a query or InvalidRequest, nothing else."""
    try:
        Query.parse(raw).check_options()
    except InvalidRequest:
        pass
