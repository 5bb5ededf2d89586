"""SECURITY.md names tests, and each of them exists: a claim without its test is no claim."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


@pytest.mark.parametrize(("file", "function"), NAMED)
def test_named_test_exists(file: str, function: str) -> None:
    """The file is there, and the function is in it."""
    text = (ROOT / file).read_text()
    assert not function or re.search(rf"^(async )?def {function}\(", text, re.MULTILINE)


def test_every_row_names_a_test() -> None:
    """In the tables of what somebody cannot do, the second column is never empty."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "shown by" not in line]
    assert len(rows) > 15
    assert [row for row in rows if "tests/" not in row] == []
