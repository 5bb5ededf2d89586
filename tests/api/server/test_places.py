"""Which connections stay open: a law over what connections may do, and each rule on its own."""

from dataclasses import dataclass, field

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from api.server.places import FIRST_HEAD_S, KEEP_ALIVE_S, RESERVED_MAX, STUCK_S, Places


@dataclass(eq=False)
class FakeConnection:
    """A connection that notes how it ended."""

    aborted_at: list[float] = field(default_factory=list)

    def abort(self) -> None:
        """Note when."""
        self.aborted_at.append(trio.current_time())

    def end_when_idle(self) -> None:
        """Nothing here ends a server."""


def enter_many(places: Places, count: int) -> list[FakeConnection]:
    """Enter so many connections."""
    connections = [FakeConnection() for _ in range(count)]
    for connection in connections:
        places.enter(connection)
    return connections


async def test_places_first_head_is_awaited_shortly(autojump_clock: trio.testing.MockClock) -> None:
    """Who asks nothing goes after FIRST_HEAD_S, who has been answered after KEEP_ALIVE_S, who is in service never."""
    places = Places(10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(places.close_idle)
        await trio.testing.wait_all_tasks_blocked()
        silent, answered, busy = enter_many(places, 3)
        began = trio.current_time()
        places.begin(answered)
        places.begin(busy)
        await trio.sleep(1)
        places.end(answered)
        await trio.sleep(2 * KEEP_ALIVE_S)
        nursery.cancel_scope.cancel()
    assert [round(at - began, 3) for at in silent.aborted_at] == [FIRST_HEAD_S]
    assert [round(at - began, 3) for at in answered.aborted_at] == [1 + KEEP_ALIVE_S]
    assert busy.aborted_at == []


async def test_places_sweeper_sleeps_while_nothing_is_due(autojump_clock: trio.testing.MockClock) -> None:
    """A later connection that is due sooner than an earlier one is closed in time."""
    places = Places(10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(places.close_idle)
        (early,) = enter_many(places, 1)
        places.begin(early)
        places.end(early)
        await trio.sleep(10)
        began = trio.current_time()
        (late,) = enter_many(places, 1)
        await trio.sleep(FIRST_HEAD_S + 1)
        nursery.cancel_scope.cancel()
    assert [at - began for at in late.aborted_at] == [FIRST_HEAD_S]
    assert early.aborted_at == []


async def test_places_who_takes_no_answer_goes_before_who_waits_for_one(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """With nobody idle, the connection stuck for longest is closed."""
    places = Places(3)
    connections = enter_many(places, 3)
    for connection in connections:
        places.begin(connection)
    places.begin_sending(connections[1])
    places.begin_sending(connections[2])
    places.end_sending(connections[1])
    assert places.enter(FakeConnection())  # it may still take its answer, so the newcomer is for supervisors
    await trio.sleep(STUCK_S)
    assert not places.enter(FakeConnection())
    assert [len(connection.aborted_at) for connection in connections] == [0, 0, 1]


async def test_places_reserved_one_makes_no_room() -> None:
    """Closing one that is for supervisors alone admits nobody else: the bound holds however often that is tried."""
    places = Places(4)
    for connection in enter_many(places, 4):
        places.begin(connection)
    for _ in range(3 * RESERVED_MAX):
        (silent, busy) = enter_many(places, 2)
        places.begin(busy)
        assert len(places) <= 4 + RESERVED_MAX
        del silent


STEPS = ("enter", "begin", "end", "leave", "begin_sending", "end_sending", "evict")


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 30)), max_size=120))
def test_places_bound_holds(steps: list[tuple[str, int]]) -> None:
    """Whatever connections do, no more are open than there are places; each that is not was closed or has left."""
    room = 4

    async def run() -> None:
        places = Places(room)
        known: list[FakeConnection] = []
        left: set[FakeConnection] = set()
        reserved: set[FakeConnection] = set()
        for step, number in steps:
            if step == "enter":
                known.append(FakeConnection())
                if places.enter(known[-1]):
                    reserved.add(known[-1])
            elif step == "evict":
                places.evict()
            elif known:
                chosen = known[number % len(known)]
                getattr(places, step)(chosen)
                if step == "leave":
                    left.add(chosen)
            still = set(places.occupants)
            assert len(still - reserved) <= room
            assert len(still & reserved) <= RESERVED_MAX
            assert still == {one for one in known if not one.aborted_at and one not in left}

    trio.run(run)
