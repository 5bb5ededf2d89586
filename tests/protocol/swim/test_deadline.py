"""The one queue of timers."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.swim.deadline import DeadlineQueue, Timer


def test_deadline_earliest_first_and_ties_in_order_of_arming() -> None:
    """So that a run can be repeated."""
    queue = DeadlineQueue()
    queue.arm(2.0, Timer.SYNC)
    queue.arm(1.0, Timer.PING, 7)
    queue.arm(1.0, Timer.PING, 3)
    assert queue.next_at() == 1.0
    assert queue.pop_due(0.9) is None
    assert [queue.pop_due(5.0) for _ in range(4)] == [
        ((Timer.PING, 7), 1.0),
        ((Timer.PING, 3), 1.0),
        ((Timer.SYNC, None), 2.0),
        None,
    ]


def test_deadline_arming_again_replaces() -> None:
    """Later or earlier; each key is due once."""
    queue = DeadlineQueue()
    queue.arm(1.0, Timer.PROBE)
    queue.arm(3.0, Timer.PROBE)
    assert queue.deadline(Timer.PROBE) == 3.0
    assert queue.pop_due(2.0) is None
    queue.arm(2.5, Timer.PROBE)
    assert queue.pop_due(9.0) == ((Timer.PROBE, None), 2.5)
    assert queue.pop_due(9.0) is None
    assert len(queue) == 0


def test_deadline_disarmed_is_never_due() -> None:
    """And disarming what is not armed does nothing."""
    queue = DeadlineQueue()
    queue.disarm(Timer.LEAVE)
    queue.arm(1.0, Timer.LEAVE)
    queue.disarm(Timer.LEAVE)
    assert queue.deadline(Timer.LEAVE) is None
    assert queue.next_at() is None


def test_deadline_postpone_moves_all_and_those_near_to_a_floor() -> None:
    """A stall of 2 s, noticed at 5: what was due at 3 comes at 6 at the earliest."""
    queue = DeadlineQueue()
    queue.arm(3.0, Timer.PROBE)
    queue.arm(5.5, Timer.GOSSIP)
    queue.arm(30.0, Timer.SYNC)
    queue.postpone(2.0, 6.0)
    assert queue.deadline(Timer.PROBE) == 6.0
    assert queue.deadline(Timer.GOSSIP) == 7.5
    assert queue.deadline(Timer.SYNC) == 32.0
    assert queue.pop_due(5.9) is None
    assert queue.pop_due(6.0) == ((Timer.PROBE, None), 6.0)


def test_deadline_memory_is_bounded_by_what_is_armed() -> None:
    """A key armed a hundred thousand times is swept."""
    queue = DeadlineQueue()
    for step in range(100_000):
        queue.arm(float(step), Timer.GOSSIP)
    assert len(queue) == 1
    assert len(queue._heap) <= 64 + 2


keys = st.integers(0, 5)
steps = st.lists(st.one_of(st.tuples(keys, st.integers(0, 50)), st.tuples(keys, st.none())), max_size=60)


@given(steps)
def test_deadline_queue_agrees_with_a_plain_dict(plan: list[tuple[int, int | None]]) -> None:
    """Whatever is armed and disarmed, the earliest comes first and nothing is lost."""
    queue, model = DeadlineQueue(), dict[int, float]()
    for key, at in plan:
        if at is None:
            queue.disarm(Timer.PING, key)
            model.pop(key, None)
        else:
            queue.arm(float(at), Timer.PING, key)
            model[key] = float(at)
    assert queue.next_at() == min(model.values(), default=None)
    got = []
    while (due := queue.pop_due(100.0)) is not None:
        got.append((due[0][1], due[1]))
    assert sorted(at for _, at in got) == [at for _, at in got]
    assert dict(got) == model


def test_deadline_memory_is_bounded_where_what_is_armed_is_disarmed() -> None:
    """Far away, and again and again."""
    queue = DeadlineQueue()
    for step in range(10_000):
        queue.arm(1e6 + step, Timer.SYNC)
        queue.disarm(Timer.SYNC)
        queue.arm(float(step), Timer.GOSSIP)
    assert len(queue._heap) <= 64 + 2
