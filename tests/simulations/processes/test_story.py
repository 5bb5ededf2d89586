"""How a run is told: steps with their times, promises kept, and broken ones as violations."""

import pytest

from simulations.processes.checker import Finding
from simulations.processes.story import FINDINGS_TOLD_MAX, Over, Story
from simulations.result import Violation

BROKEN = Finding("status", "n1", "n1 shows n2 alive, and not failed")


class Clock:
    """Time that goes on only while the story sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("simulations.processes.story.time.sleep", self.sleep)

    def sleep(self, duration_s: float) -> None:
        """Go on."""
        assert duration_s > 0
        self.now += max(duration_s, 1e-6)  # less would vanish in the rounding, and time stand still

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the time of the story below."""
    return Clock(monkeypatch)


@pytest.fixture
def story(clock: Clock) -> Story:
    """Give a story at its beginning."""
    return Story(clock=clock)


def test_steps_are_told_with_their_times(story: Story, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each step, promises kept are marked."""
    clock.now += 12.3
    story.tell("n3 killed")
    story.check("n3 is failed", [])
    assert capsys.readouterr().out == "  12.3 s  n3 killed\n  12.3 s  ok  n3 is failed\n"
    assert [step.kind for step in story.steps] == ["done", "held"]


def test_quiet_story_prints_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """With JSON asked for, the steps are only kept."""
    story = Story(quiet=True, clock=clock)
    story.tell("n3 killed")
    assert capsys.readouterr().out == ""
    assert story.steps[0].text == "n3 killed"


def test_expected_thing_that_comes_is_told_with_its_time(story: Story, clock: Clock) -> None:
    """The story looks again until nothing is found."""
    took = story.expect("n2 is failed on all", lambda: [] if clock.now >= 105 else [BROKEN], 8)
    assert took == pytest.approx(5, abs=0.1)
    assert story.violations == []
    assert story.steps[-1].text == "n2 is failed on all after 5.0 s"


def test_expected_thing_that_does_not_come_is_exactly_its_violation(story: Story) -> None:
    """The story is over, with what was found last."""
    with pytest.raises(Over):
        story.expect("n2 is failed on all", lambda: [BROKEN], 8)
    (violation,) = story.violations
    assert violation == Violation("status", violation.at, "n1", "n1 shows n2 alive, and not failed, 8 s on")
    assert violation.at == pytest.approx(8, abs=0.2)


def test_broken_promise_lets_the_story_go_on(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    """A check that finds something is a violation, and the next step follows."""
    story.check("n2 is failed on all", [BROKEN])
    story.tell("n2 started again")
    assert [violation.text for violation in story.violations] == [BROKEN.text]
    assert "BROKEN  n1 shows n2 alive, and not failed" in capsys.readouterr().out


def test_findings_without_number_are_told_in_part(story: Story) -> None:
    """A cluster that fell apart does not flood the terminal."""
    story.check("all list the same", [BROKEN] * (FINDINGS_TOLD_MAX + 3))
    assert len(story.violations) == FINDINGS_TOLD_MAX
    assert story.steps[-1].text == "and 3 more of the kind"


def test_rest_lets_exactly_the_time_pass(story: Story, clock: Clock) -> None:
    """It ends on time, and not a poll later."""
    story.rest(3.02, "the wire stays cut")
    assert story.now == pytest.approx(3.02)
