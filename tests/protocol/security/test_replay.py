"""The replay window against a plain set of what was seen."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.security.replay import WINDOW, ReplayWindow

COUNTERS = st.integers(0, 3 * WINDOW) | st.integers(0, (1 << 64) - 1)


@given(st.lists(COUNTERS, max_size=60))
def test_replay_window_agrees_with_a_set(counters: list[int]) -> None:
    """Law: accepted are exactly the unseen counters within 1,024 of the largest."""
    window = ReplayWindow()
    seen: set[int] = set()
    for counter in counters:
        expected = counter not in seen and (not seen or counter > max(seen) - WINDOW)
        assert window.accept(1, counter) is expected
        if expected:
            seen.add(counter)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 8)), max_size=60))
def test_replay_window_never_accepts_twice(datagrams: list[tuple[int, int]]) -> None:
    """Law: no (start, counter) is accepted twice, and starts accepted never go down."""
    window = ReplayWindow()
    accepted = [datagram for datagram in datagrams if window.accept(*datagram)]
    assert len(accepted) == len(set(accepted))
    starts = [start for start, _ in accepted]
    assert starts == sorted(starts)


def test_replay_window_edge_is_exact() -> None:
    """1,023 behind the largest is still told apart, 1,024 is not."""
    window = ReplayWindow()
    assert window.accept(1, 5_000)
    assert window.accept(1, 5_000 - WINDOW + 1)
    assert not window.accept(1, 5_000 - WINDOW)


def test_replay_window_begins_anew_with_a_larger_start() -> None:
    """A restarted sender counts from the beginning; what its former start sent is dropped."""
    window = ReplayWindow()
    assert window.accept(1, 900)
    assert window.accept(2, 1)
    assert not window.accept(1, 901)
    assert window.accept(2, 900)
