"""Who said what: views, first words, and alarms about nodes that were up."""

import pytest

from benchmarks.compare.event import Event, Word
from benchmarks.compare.story import EPISODE_GAP_S, Story


def _tell(story: Story, at: float, teller: str, word: Word, subject: str) -> None:
    story.hear(at, teller, Event(word, subject))


def test_all_see_when_each_has_said_alive_of_all_others() -> None:
    """Of itself nobody needs to say it."""
    story = Story()
    names = ["n1", "n2", "n3"]
    for teller in names:
        for subject in names:
            if (teller, subject) != ("n3", "n1"):
                _tell(story, 1.0, teller, Word.ALIVE, subject)
    assert story.sees("n1", names)
    assert not story.all_see(names, names)
    _tell(story, 2.0, "n3", Word.ALIVE, "n1")
    assert story.all_see(names, names)


@pytest.mark.parametrize(("word", "is_seen"), [(Word.SUSPECT, True), (Word.FAILED, False), (Word.LEFT, False)])
def test_sees_until_failed_or_left(word: Word, is_seen: bool) -> None:
    """A suspect is a member still; one that failed or left is not."""
    story = Story()
    _tell(story, 1.0, "n1", Word.ALIVE, "n2")
    _tell(story, 2.0, "n1", word, "n2")
    assert story.sees("n1", ["n2"]) is is_seen


def test_a_node_that_went_down_has_forgotten_all() -> None:
    """Its next process says anew whom it sees."""
    story = Story()
    _tell(story, 1.0, "n2", Word.ALIVE, "n1")
    story.put_down("n2")
    assert not story.sees("n2", ["n1"])


def test_times_are_of_each_tellers_first_word_since() -> None:
    """What was said before counts not, nor what is said again."""
    story = Story()
    for at, teller in ((1.0, "n1"), (5.0, "n1"), (6.0, "n1"), (7.0, "n2")):
        _tell(story, at, teller, Word.FAILED, "n3")
    _tell(story, 5.5, "n2", Word.SUSPECT, "n3")
    assert story.times(Word.FAILED, "n3", 4.0) == {"n1": 5.0, "n2": 7.0}


def test_alarms_are_false_while_the_subject_is_up() -> None:
    """Before it listens, and after it was killed, an alarm is right."""
    story = Story()
    _tell(story, 1.0, "n1", Word.SUSPECT, "n2")
    story.put_up("n2")
    _tell(story, 2.0, "n1", Word.FAILED, "n2")
    story.put_down("n2")
    _tell(story, 3.0, "n1", Word.FAILED, "n2")
    assert [told.at for told in story.false_alarms] == [2.0]


def test_false_alarms_are_counted_once_however_many_say_it() -> None:
    """Some products log a suspicion on every node, others on one: an alarm is a time of words about one node."""
    story = Story()
    for name in ("n1", "n2", "n3"):
        story.put_up(name)
    for at, teller, subject in (
        (1.0, "n1", "n2"), (1.1, "n3", "n2"), (8.0, "n1", "n2"), (8.0 + EPISODE_GAP_S, "n1", "n2"),
        (9.0 + 2 * EPISODE_GAP_S, "n1", "n2"), (9.0, "n1", "n3"),
    ):  # fmt: skip
        _tell(story, at, teller, Word.SUSPECT, subject)
    assert story.count_false(Word.SUSPECT) == 3
    assert story.count_false(Word.SUSPECT, since=20.0) == 1
    assert story.count_false(Word.FAILED) == 0
