"""What a stage expects of its agents, where only their answers matter."""

from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from simulations.processes.cluster import Cluster
from simulations.processes.scenario import RETURNED_WITHIN_S, Stage
from simulations.processes.story import Over, Story


def _row(incarnation: int) -> dict[str, Any]:
    return {"name": "n3", "id": "ID-n3", "status": "alive", "incarnation": incarnation}


class Answering(Cluster):
    """A cluster of one seer, who gives these incarnations of n3, one an answer, and then the last again and again."""

    def __init__(self, directory: Path, *incarnations: int) -> None:
        super().__init__(directory)
        self._left = list(incarnations)

    def views(self, *_names: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Give the next answer."""
        incarnation = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        return {"n1": {"n3": _row(incarnation)}}


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> Story:
    """Give a story whose sleep is a step of its clock."""
    now = [0.0]
    monkeypatch.setattr("simulations.processes.story.time.sleep", lambda s: now.__setitem__(0, now[0] + s))
    return Story(clock=lambda: now[0])


def _stage(tmp_path: Path, story: Story, *incarnations: int) -> Stage:
    return Stage(tmp_path, 2, 0.0, Random(1), story, Answering(tmp_path, *incarnations), ExitStack())


def test_new_incarnation_of_one_that_was_never_missed_is_waited_for(tmp_path: Path, story: Story) -> None:
    """Restarted before anybody missed it, it is alive on all at once, and the word of its return is still under way."""
    _stage(tmp_path, story, 5, 5, 6).expect_same_self(_row(5), RETURNED_WITHIN_S)
    assert story.violations == []


def test_return_at_the_incarnation_it_had_is_a_violation(tmp_path: Path, story: Story) -> None:
    """When the time is up."""
    with pytest.raises(Over):
        _stage(tmp_path, story, 5).expect_same_self(_row(5), RETURNED_WITHIN_S)
    assert [violation.checker for violation in story.violations] == ["same_self"]
