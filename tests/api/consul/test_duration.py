"""Durations in a registration: refused in a Consul's words, which are Go's."""

import pytest

from api.consul.duration import read_duration
from tests.api.asker import ask_consul
from tests.api.fake_view import FakeView


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nope", 'invalid duration "nope"'),
        ("5", 'missing unit in duration "5"'),
        ("1x", 'unknown unit "x" in duration "1x"'),
        ("5 s", 'unknown unit " s" in duration "5 s"'),
        ("1h 5m", 'unknown unit "h " in duration "1h 5m"'),
        ("1h30", 'missing unit in duration "1h30"'),
        (".", 'invalid duration "."'),
        ("+", 'invalid duration "+"'),
        ("3000000h", 'invalid duration "3000000h"'),
        ("9223372036855s", 'invalid duration "9223372036855s"'),
        ("1\u00b5", 'unknown unit "\u00b5" in duration "1\u00b5"'),
        ("\u00e9", 'invalid duration "\u00e9"'),
    ],
)
@pytest.mark.parametrize("field", ["TTL", "Interval", "Timeout"])
async def test_duration_that_is_none(field: str, text: str, words: str) -> None:
    """Whichever field holds it, and nothing is registered."""
    view = FakeView()
    body = {"Name": "c", "TTL": "1s", field: text}
    answer = await ask_consul(view, "PUT", "/v1/agent/check/register", body)
    assert (answer.status, answer.text) == (400, f"Request decode failed: time: {words}")
    assert not view.services.checks()


def test_duration() -> None:
    """What is one is read as elsewhere."""
    assert read_duration("1h30m") == 5_400 * 10**9
    assert read_duration("1.h") == 3_600 * 10**9
