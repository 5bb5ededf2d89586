"""A fake agent, and a way to run command lines against it."""

from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from node.cli.root import shoal
from tests.node.cli.fake_agent import FakeAgent, serve

Run = Callable[..., Result]


@pytest.fixture
def agent() -> Iterator[FakeAgent]:
    """Serve a fake agent that knows no route yet."""
    with serve() as served:
        yield served


@pytest.fixture
def run(agent: FakeAgent, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `shoal WORDS...` against the fake agent."""
    monkeypatch.setenv("SHOAL_HTTP_ADDR", agent.url)
    monkeypatch.setattr("node.cli.link.default_data_dir", lambda: None)

    def run_words(*words: str) -> Result:
        return CliRunner().invoke(shoal, list(words), catch_exceptions=False, prog_name="shoal")

    return run_words
