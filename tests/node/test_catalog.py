"""The catalog of one node over simulated members: what it shows, and which answers a change touches."""

from collections.abc import Callable

import trio
import trio.testing

from node.catalog import ALL_CHECKS, COORDINATES, NODES, SERVICES, Catalog, Topic
from protocol.catalog.check import Check, CheckStatus
from protocol.catalog.key import check_key, service_key
from protocol.catalog.service import Service
from protocol.status import Status
from protocol.swim.effect import Changed, FactTaken
from protocol.swim.location import COORDINATE_KEY
from protocol.swim.settings import Settings
from protocol.swim.vivaldi import Coordinate
from simulations.world import Node, Step, World

FIRST = 1_000
WEB: Topic = ("service", "web")
WEB_CHECKS: Topic = ("checks", "web")
OTHER: Topic = ("service", "other")


class Place:
    """Three members, and the catalog of the first."""

    def __init__(self) -> None:
        self.world = World(5, Settings.local())
        self.catalog: Catalog | None = None
        self.world.watch(self)
        self.nodes = self.world.cluster(3)
        self.held = Catalog(self.nodes[0].engine.membership, FIRST)
        self.catalog = self.held
        self.world.run(5.0)

    def see_step(self, step: Step) -> None:
        """Tell the catalog what the first member's engine tells its shell."""
        if self.catalog is None or step.node is not self.nodes[0]:
            return
        for effect in step.effects:
            if isinstance(effect, Changed):
                self.catalog.note_change(effect.change)
            elif isinstance(effect, FactTaken):
                self.catalog.note_fact(effect.owner, effect.fact)

    def see_event(self, at: float, kind: str, node: Node | None, text: str) -> None:
        """Nothing that befalls the world concerns it."""

    def say(self, who: int, key: bytes, value: bytes | None) -> None:
        """Let a member say something, and wait until the first has heard it."""
        self.world.put_fact(self.nodes[who], key, value)
        self.world.run(1.0)

    def touched(self, act: Callable[[], object], *topics: Topic) -> list[bool]:
        """Tell which answers' numbers an act raised."""
        before = [self.held.index(topic) for topic in topics]
        act()
        return [self.held.index(topic) > index for topic, index in zip(topics, before, strict=True)]

    def offer(self, who: int, id: str = "web1", name: str = "web", *tags: str) -> None:
        """Let a member offer a service."""
        self.say(who, service_key(id), Service(id, name, tags).encode())


def test_service_is_listed_by_name_and_goes_with_its_end() -> None:
    """From whoever offers it; tags are those of all."""
    place = Place()
    place.offer(1, "web1", "web", "a")
    place.offer(2, "web1", "web", "b")
    assert place.held.names() == {"web": frozenset({"a", "b"})}
    assert {id for id, _ in place.held.instances("web")} == {place.nodes[1].id, place.nodes[2].id}
    place.say(1, service_key("web1"), None)
    assert [id for id, _ in place.held.instances("web")] == [place.nodes[2].id]
    place.offer(2, "web1", "renamed")
    assert place.held.names() == {"renamed": frozenset()}


def test_change_touches_the_answers_that_show_it_alone() -> None:
    """A service its name's, a check of it that one's, a check of the node all its services'."""
    place = Place()
    topics = (WEB, WEB_CHECKS, OTHER, SERVICES, ALL_CHECKS, NODES)
    assert place.touched(lambda: place.offer(1), *topics) == [True, True, False, True, False, False]
    check = Check("c", "c", CheckStatus.PASSING, service_id="web1")
    put = place.touched(lambda: place.say(1, check_key("c"), check.encode()), *topics)
    assert put == [True, True, False, False, True, False]
    whole = Check("disk", "disk", CheckStatus.WARNING)
    of_node = place.touched(lambda: place.say(1, check_key("disk"), whole.encode()), *topics)
    assert of_node == [True, True, False, False, True, False]


def test_names_count_in_any_case() -> None:
    """One answer shows all spellings of a service's name, and each is listed as it was registered."""
    place = Place()
    assert place.touched(lambda: place.offer(1, "a", "Web", "x"), WEB, WEB_CHECKS) == [True, True]
    assert place.touched(lambda: place.offer(2, "b", "WEB", "y"), WEB, WEB_CHECKS) == [True, True]
    assert place.held.names() == {"Web": frozenset({"x"}), "WEB": frozenset({"y"})}
    assert {held.value.name for _, held in place.held.instances("wEb")} == {"Web", "WEB"}
    check = Check("c", "c", CheckStatus.PASSING, service_id="a")
    assert place.touched(lambda: place.say(1, check_key("c"), check.encode()), WEB, WEB_CHECKS) == [True, True]
    assert place.touched(lambda: place.say(1, service_key("a"), None), WEB, WEB_CHECKS) == [True, True]
    assert [held.value.name for _, held in place.held.instances("web")] == ["WEB"]


def test_check_is_listed_with_its_service_and_changes_with_it() -> None:
    """The list of all checks shows the name and tags of each one's service."""
    place = Place()
    place.offer(1)
    place.say(1, check_key("c"), Check("c", "c", CheckStatus.PASSING, service_id="web1").encode())
    assert place.touched(lambda: place.offer(1, "web1", "web", "blue"), ALL_CHECKS) == [True]
    assert place.touched(lambda: place.offer(1, "web1", "web", "blue"), ALL_CHECKS) == [False]


def test_place_has_an_index() -> None:
    """Whoever waits for coordinates wakes with a member that stands elsewhere, and nobody else does."""
    place = Place()
    moved = Coordinate((0.5, *(0.0,) * 7), 0.5, 0.0, 0.001).encode()
    topics = (COORDINATES, NODES, SERVICES, ALL_CHECKS, ("node", "n2"))
    touched = place.touched(lambda: place.say(1, COORDINATE_KEY, moved), *topics)
    assert touched == [True, False, False, False, False]


def test_index_is_above_the_first_for_what_never_was_and_for_what_is_gone() -> None:
    """And never falls."""
    place = Place()
    assert place.held.index(OTHER) == FIRST
    place.offer(1, "o", "other")
    there = place.held.index(OTHER)
    place.say(1, service_key("o"), None)
    assert place.held.index(OTHER) > there > FIRST


def test_suspicion_wakes_nobody_and_failure_those_who_see_it() -> None:
    """Suspects show nowhere; a failed member's checks do."""
    place = Place()
    place.offer(1)
    victim = place.nodes[1]
    membership = place.nodes[0].engine.membership

    def until(status: Status) -> None:
        def reached() -> bool:
            member = membership.get(victim.id)
            return member is not None and member.status is status

        assert place.world.run_until(reached, 60.0, 0.05) is not None

    topics = (WEB, ALL_CHECKS, NODES, SERVICES)
    place.world.crash(victim)
    assert place.touched(lambda: until(Status.SUSPECT), *topics) == [False, False, False, False]
    assert place.touched(lambda: until(Status.FAILED), *topics) == [True, True, False, False]
    assert [id for id, _ in place.held.instances("web")] == [victim.id]


def test_member_that_leaves_is_shown_no_more() -> None:
    """Nor are its services."""
    place = Place()
    place.offer(1)
    topics = (WEB, ALL_CHECKS, NODES, SERVICES)

    def leave() -> None:
        place.world.leave(place.nodes[1])
        place.world.run(2.0)

    assert place.touched(leave, *topics) == [True, True, True, True]
    assert place.held.names() == {}
    assert place.nodes[1].id not in {member.id for member in place.held.members()}


async def test_wait_ends_with_news_and_leaves_nothing_behind() -> None:
    """Of its own answer alone; whoever goes away is forgotten."""
    place = Place()
    ended: list[Topic] = []

    async def wait(topic: Topic) -> None:
        await place.held.wait(topic, place.held.index(topic))
        ended.append(topic)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, WEB)
        nursery.start_soon(wait, OTHER)
        await trio.testing.wait_all_tasks_blocked()
        place.offer(1)
        await trio.testing.wait_all_tasks_blocked()
        assert ended == [WEB]
        nursery.cancel_scope.cancel()
    assert place.held._waiting == {}
