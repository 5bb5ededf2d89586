"""Filters: what they keep, and which are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.answer import Problem
from api.consul.filter import DEPTH_MAX, FILTER_LENGTH_MAX, read_filter

SHAPE: dict[str, Any] = {
    "Service": "web",
    "Port": 80,
    "EnableTagOverride": False,
    "Tags": ("v1", "a b"),
    "Empty": [],
    "Node": {"Node": "n1", "Meta": {"rack": "r1", "a.b": 'q"q'}},
}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", True),
        ("  ", True),
        ('Service == "web"', True),
        ("Service==web", True),
        ("Service == `web`", True),
        ('Service == "db"', False),
        ('Service != "db"', True),
        ("Port == 80", True),
        ("Port == 8.0", False),
        ("EnableTagOverride == false", True),
        ('"v1" in Tags', True),
        ("v2 in Tags", False),
        ("v2 not in Tags", True),
        ('Tags contains "a b"', True),
        ("Tags not contains v1", False),
        ("Service contains we", True),
        ("rack in Node.Meta", True),
        ("Node.Meta.rack == r1", True),
        ('Node.Meta["a.b"] == "q\\"q"', True),
        ("Empty is empty", True),
        ("Tags is not empty", True),
        ("Nothing is empty", True),
        ("Nothing == x", False),
        ("Nothing.at.all != x", True),
        ('Service == web and "v1" in Tags', True),
        ("Service == web and Port == 1", False),
        ("Service == db or Port == 80", True),
        ("not Service == db", True),
        ("not (Service == web or Port == 1)", False),
        ("Service == db and Port == 1 or Port == 80", True),
        ("Service == db and (Port == 1 or Port == 80)", False),
    ],
)
def test_filter_keeps(text: str, kept: bool) -> None:
    """Equal, contained, empty; and, or, not and brackets."""
    assert read_filter(text)(SHAPE) is kept


@pytest.mark.parametrize(
    "text",
    [
        "Service",
        "Service ==",
        "== web",
        "Service = web",
        "Service == web and",
        "Service == web Port == 80",
        "(Service == web",
        "Service == web)",
        'Service == "web',
        "Service matches web",
        "Service is full",
        "Node. == x",
        "Node[Meta] == x",
        'Node["Meta" == x',
        "not",
        "in in in",
        "not " * (DEPTH_MAX + 1) + "a == b",
        "(" * (DEPTH_MAX + 1) + "a == b" + ")" * (DEPTH_MAX + 1),
        "a == " + "b" * FILTER_LENGTH_MAX,
        "\x00",
    ],
)
def test_filter_refused(text: str) -> None:
    """What cannot be read is 500 with a sentence, as Consul has it."""
    with pytest.raises(Problem) as refused:
        read_filter(text)
    assert refused.value.status == 500
    assert refused.value.sentence.startswith("Failed to create boolean expression evaluator: ")
    assert len(refused.value.sentence) < 300
    assert refused.value.sentence.isprintable()


@pytest.mark.parametrize("text", ["Service matches `w.*`", 'Service not matches "w"', 'a == b and "x" matches'])
def test_filter_says_that_there_are_no_regular_expressions(text: str) -> None:
    """Whoever writes one, as Consul's page has it, is told so."""
    with pytest.raises(Problem, match="there is no matches here"):
        read_filter(text)


_words = st.sampled_from(
    [
        "Service",
        "Tags",
        "Node",
        "Meta",
        "web",
        "==",
        "!=",
        "in",
        "not",
        "is",
        "empty",
        "contains",
        "matches",
        "and",
        "or",
        "(",
        ")",
        ".",
        "[",
        "]",
        '"a"',
        '"',
        " ",
    ]
)


@given(st.one_of(st.lists(_words, max_size=20).map(" ".join), st.text(max_size=60)))
def test_filter_never_fails_otherwise(text: str) -> None:
    """Any text is read or refused."""
    try:
        kept = read_filter(text)
    except Problem as refused:
        assert refused.status == 500
    else:
        assert kept(SHAPE) in (True, False)
