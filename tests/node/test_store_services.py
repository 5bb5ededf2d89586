"""What of services and checks is there after a kill -9, and what becomes of rows that cannot be read."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec
import pytest
import trio
from trio.testing import MockClock

from node.check.definition import CheckDefinition
from node.config import Config
from node.service_keeper import ServiceKeeper
from node.service_restore import open_services
from node.store import Statement, Store
from node.store_error import StoreError
from node.store_services import Edit, Registered, ServiceStore, StoredState
from protocol.catalog.check import Check, CheckKind, CheckStatus
from protocol.catalog.key import check_key, service_key
from protocol.catalog.service import Service
from tests.node.service_house import WEB, House, refusing, tcp, ttl

PASSING, WARNING, CRITICAL = CheckStatus


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery) -> AsyncIterator[House]:
    """Give a data directory."""
    house = House(tmp_path / "d", nursery, monkeypatch)
    yield house
    house.stop()


OLD_ROW = (
    b'{"id":"c","name":"c","notes":"","status":null,"service_id":"","ttl_s":0.0,"interval_s":10.0,"timeout_s":0.0,'
    b'"http":"http://h/","method":"GET","headers":[],"tls_skip_verify":false,"tcp":"","args":[],"docker_container":"",'
    b'"deregister_after_s":0.0%s}'
)
"""As versions up to the one that knew no body, thresholds and largest output wrote it."""


@pytest.mark.parametrize("more", [b"", b',"of_a_later_version":1'], ids=["older", "newer"])
async def test_row_of_another_version_is_read(
    autojump_clock: MockClock, house: House, more: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older one lacks is as it was then, and what a newer one has besides is ignored."""
    await house.start()
    assert house.store is not None
    await house.store._save(("INSERT INTO checks VALUES (?, ?, ?)", ("c", OLD_ROW % more, "")))
    keeper = await house.start()
    assert list(keeper.checks()) == ["c"]
    definition = CheckDefinition(id="c", name="c", interval_s=10.0, http="http://h/")
    assert msgspec.json.decode(OLD_ROW % more, type=CheckDefinition) == definition
    house.runs.clear()
    await keeper.register_check(definition)
    await trio.sleep(11)
    assert house.runs == ["c"]


async def test_store_gives_back_services_and_checks(tmp_path: Path) -> None:
    """Every field of every kind is as it was, through the real writer."""
    service = Service("a/\N{SNOWMAN} \0", "n", ("t",), "h", 1, (("k", "v"),), True, (3, 4))
    check = CheckDefinition(
        id="c",
        name="n",
        notes="w",
        status=WARNING,
        service_id="s",
        interval_s=1.5,
        timeout_s=2.5,
        http="http://x",
        method="POST",
        headers=(("h", ("1", "2")),),
        tls_skip_verify=True,
        deregister_after_s=60.0,
        body="b",
        success_before_passing=2,
        failures_before_critical=3,
        output_max_size=4,
    )
    script = CheckDefinition(id="d", name="d", args=("a", "b c"), docker_container="x", interval_s=1.0)
    state = StoredState(PASSING, "out\n", 5.5)
    edit = Edit({service.id: service}, {"c": check, "d": script}, maintenance={"": "r", "s": "q"})
    with Store.open(tmp_path) as store:
        await ServiceStore(store).save(edit)
        await ServiceStore(store).save_states({"c": state, "gone": state})
        await ServiceStore(store).save(Edit(states={"gone": None}))
    with Store.open(tmp_path) as store:
        found = ServiceStore(store).load()
        assert (found.services, found.checks) == (edit.services, edit.checks)
        assert (found.states, found.maintenance) == ({"c": state}, {"": "r", "s": "q"})
        assert not found.broken
        await ServiceStore(store).save(Edit({service.id: None}, {"c": None}, maintenance={"": None}))
        left = ServiceStore(store).load()
        assert (left.services, list(left.checks), left.states, left.maintenance) == ({}, ["d"], {}, {"s": "q"})


async def test_store_syncs_definitions_and_not_states(tmp_path: Path) -> None:
    """A state is in the kernel's hands, all else on the disk; one that is written beside other things is with them."""
    executed: list[str] = []
    state = StoredState(PASSING, "", 5.0)
    with Store.open(tmp_path) as store:
        store._connection.set_trace_callback(executed.append)
        kept = ServiceStore(store)
        await kept.save_states({"c": state})
        await kept.save(Edit({"web1": WEB}))
        await kept.save_states({"c": state})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kept.save_states, {"a": state})
            nursery.start_soon(kept.save_states, {"b": state})
            nursery.start_soon(kept.save, Edit({"web2": WEB}))
    levels = [statement.split()[-1] for statement in executed if "synchronous" in statement]
    assert levels[:3] == ["NORMAL", "FULL", "NORMAL"]
    assert levels[3:] in (["FULL"], ["NORMAL", "FULL"]), "written together, as the strictest of them"


async def test_restart_has_all_that_was_registered(autojump_clock: MockClock, house: House) -> None:
    """Checks begin critical and are run; maintenance keeps its reason; others are told of everything that stands."""
    keeper = await house.start()
    await keeper.register_service(WEB, [tcp("run", status=PASSING), ttl("t", status=PASSING)])
    await keeper.register_service(Service("gone", "gone"), [ttl()])
    await keeper.register_check(ttl("own", notes="n"))
    await keeper.set_maintenance("web1", enabled=True, reason="why")
    await keeper.set_maintenance(None, enabled=True, reason="")
    await trio.sleep(5)
    assert await keeper.deregister_service("gone")
    before = keeper.checks()
    keeper = await house.start()
    assert keeper.services() == {"web1": WEB}
    assert keeper.checks() == {
        id: replace(check, status=CRITICAL, output="") if check.kind is not CheckKind.NONE else check
        for id, check in before.items()
    }
    await trio.testing.wait_all_tasks_blocked()
    assert set(house.told) == {service_key("web1"), *map(check_key, before)}
    await trio.sleep(10)
    assert keeper.checks()["run"].status is PASSING
    await keeper.set_maintenance(None, enabled=False, reason="")
    await keeper.deregister_check("own")
    keeper = await house.start()
    assert set(keeper.checks()) == {"run", "t", "_service_maintenance:web1"}


async def test_restart_keeps_what_a_ttl_owner_said_in_time(autojump_clock: MockClock, house: House) -> None:
    """Its status and output stand, for a whole TTL more; what is past its time is forgotten."""
    keeper = await house.start()
    for id, ttl_s in (("short", 5.0), ("long", 100.0), ("silent", 50.0)):
        await keeper.register_check(ttl(id, ttl_s))
    await keeper.update_ttl("short", PASSING, "s")
    await keeper.update_ttl("long", WARNING, "l")
    house.stop()
    await trio.sleep(60)
    keeper = await house.start()
    assert keeper.checks()["long"] == Check("long", "long", WARNING, "", "l", "", CheckKind.TTL)
    assert {keeper.checks()[id].status for id in ("short", "silent")} == {CRITICAL}
    assert keeper.checks()["short"].output == ""
    assert house.store is not None
    assert list(ServiceStore(house.store).load().states) == ["long"]
    await trio.sleep(90)
    assert keeper.checks()["long"].status is WARNING
    await trio.sleep(11)
    assert keeper.checks()["long"].output == "TTL expired (last output before timeout follows): l"


async def test_restart_knows_the_tokens_of_registrations(autojump_clock: MockClock, house: House) -> None:
    """By their ids, the latest of each; a registration that is else the same is written anew, and what goes is gone."""
    keeper = await house.start()

    def kept() -> dict[Registered, str]:
        assert house.store is not None
        return ServiceStore(house.store).load().token_ids

    await keeper.register_service(WEB, [ttl("t")], token_id="0a")
    await keeper.register_check(ttl("own"), token_id="0b")
    await keeper.set_maintenance(None, enabled=True, reason="", token_id="0c")
    await keeper.register_check(ttl("without"))
    keeper = await house.start()
    web = {("services", "web1"): "0a", ("checks", "t"): "0a"}
    assert kept() == {**web, ("checks", "own"): "0b", ("maintenance", ""): "0c"}
    await trio.testing.wait_all_tasks_blocked()
    house.news.clear()
    await keeper.register_service(WEB, [ttl("t")], token_id="0d")
    await keeper.register_check(ttl("own"))
    assert kept() == {("services", "web1"): "0d", ("checks", "t"): "0d", ("maintenance", ""): "0c"}
    assert house.news == [], "others are told nothing of it"
    await keeper.deregister_service("web1")
    await keeper.set_maintenance(None, enabled=False, reason="")
    assert kept() == {}
    await keeper.register_service(WEB, [ttl("t")])
    keeper = await house.start()
    assert kept() == {}


async def test_registration_that_is_the_same_is_not_written_again(
    autojump_clock: MockClock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither with the same token, nor after a restart: clients register all the time."""
    keeper = await house.start()
    await keeper.register_service(WEB, [ttl("t")], token_id="0a")
    keeper = await house.start()
    monkeypatch.setattr(Store, "_commit", refusing("nothing is to be written"))
    await keeper.register_service(WEB, [ttl("t")], token_id="0a")


async def test_news_of_a_ttl_check_is_on_the_disk_at_once(autojump_clock: MockClock, house: House) -> None:
    """Its first word, another status, one after an expiry, and one without which the state there would run out."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", 10.0))

    async def restarted() -> tuple[ServiceKeeper, CheckStatus]:
        keeper = await house.start()
        return keeper, keeper.checks()["c"].status

    await keeper.update_ttl("c", PASSING, "first")
    keeper, status = await restarted()
    assert status is PASSING
    await keeper.update_ttl("c", WARNING, "another")
    keeper, status = await restarted()
    assert status is WARNING
    await keeper.update_ttl("c", WARNING, "")
    await trio.sleep(11)
    assert keeper.checks()["c"].status is CRITICAL
    await keeper.update_ttl("c", WARNING, "after its time")
    keeper, status = await restarted()
    assert status is WARNING
    await keeper.update_ttl("c", WARNING, "")
    await trio.sleep(9)
    await keeper.update_ttl("c", WARNING, "just in time")
    house.stop()
    await trio.sleep(5)
    keeper, status = await restarted()
    assert (status, keeper.checks()["c"].output) == (WARNING, "just in time")


async def test_ttl_words_that_repeat_are_written_once_a_second(
    autojump_clock: MockClock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often they come; the last ones at the latest when the node ends."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", 1_000.0))
    await keeper.update_ttl("c", PASSING, "")
    saves: list[float] = []
    real = ServiceStore.save_states

    async def count(store: ServiceStore, states: Mapping[str, StoredState]) -> None:
        saves.append(trio.current_time())
        await real(store, states)

    monkeypatch.setattr(ServiceStore, "save_states", count)
    for number in range(100):
        await keeper.update_ttl("c", PASSING, str(number))
        await trio.sleep(0.05)
    assert 5 <= len(saves) <= 6
    await keeper.update_ttl("c", PASSING, "last")
    await house.end()
    keeper = await house.start()
    assert keeper.checks()["c"].output == "last"


async def test_ttl_words_that_wait_for_the_disk_are_written_together(tmp_path: Path) -> None:
    """A thousand owners with news at once cost some commits, not a thousand."""
    with Store.open(tmp_path) as store:
        keeper = await open_services(Config(data_dir=tmp_path), store, Random(1))
        for number in range(1_000):
            keeper.hold_check(Check(str(number), "n", CRITICAL), ttl(str(number)))
        executed: list[str] = []
        store._connection.set_trace_callback(executed.append)
        async with trio.open_nursery() as owners:
            for number in range(1_000):
                owners.start_soon(keeper.update_ttl, str(number), PASSING, "")
        assert executed.count("COMMIT") <= 3
        assert len(ServiceStore(store).load().states) == 1_000


async def test_ttl_word_waits_for_the_same_one_before_it(
    autojump_clock: MockClock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeating a status that is still being written is answered no sooner than that is on the disk."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", 1_000.0))
    await keeper.update_ttl("c", PASSING, "")
    proceed, answered = trio.Event(), []
    real = Store._save_unsynced

    async def slow(store: Store, *statements: Statement) -> None:
        await proceed.wait()
        await real(store, *statements)

    async def say(status: CheckStatus, output: str) -> None:
        await keeper.update_ttl("c", status, output)
        answered.append(output)

    monkeypatch.setattr(Store, "_save_unsynced", slow)
    async with trio.open_nursery() as owners:
        for status, output in ((CRITICAL, "down"), (CRITICAL, "still down"), (PASSING, "up")):
            owners.start_soon(say, status, output)
            await trio.testing.wait_all_tasks_blocked()
        assert answered == []
        proceed.set()
    assert sorted(answered) == ["down", "still down", "up"]


async def test_restart_drops_what_cannot_be_read(
    autojump_clock: MockClock, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A line in the log for each, and the next start knows nothing of it; all else is there."""
    house.scripts_enabled = True
    keeper = await house.start()
    await keeper.register_service(WEB, [ttl("t")])
    await keeper.register_check(CheckDefinition(id="script", name="script", args=("x",), interval_s=5.0))
    store = house.store
    assert store is not None
    encode = msgspec.json.encode
    await store._save(
        ("INSERT INTO services (id, definition) VALUES (?, ?)", ("damaged", b"{")),
        ("INSERT INTO services (id, definition) VALUES (?, ?)", ("text", "{}")),
        ("INSERT INTO services (id, definition) VALUES (?, ?)", ("moved", encode(WEB))),
        ("INSERT INTO services (id, definition) VALUES (?, ?)", ("large", encode(Service("large", "x" * 999)))),
        ("INSERT INTO checks (id, definition) VALUES (?, ?)", ("later", b'{"id":"later","kind_of_the_future":1}')),
        ("INSERT INTO checks (id, definition) VALUES (?, ?)", ("orphan", encode(ttl("orphan", service_id="nobody")))),
        ("INSERT INTO check_states VALUES (?, ?, ?, ?)", ("t", "purple", "", 9e9)),
        ("INSERT INTO check_states VALUES (?, ?, ?, ?)", ("nobody", "passing", "", 9e9)),
        ("INSERT INTO maintenance (service_id, reason) VALUES (?, ?)", ("nobody", "r")),
    )
    house.scripts_enabled = False
    keeper = await house.start()
    assert list(keeper.services()) == ["web1"]
    assert list(keeper.checks()) == ["t"]
    dropped = [record.getMessage() for record in caplog.records if "cannot be restored" in record.getMessage()]
    assert len(dropped) == 9
    caplog.clear()
    keeper = await house.start()
    assert "cannot be restored" not in caplog.text
    assert list(keeper.checks()) == ["t"]


@pytest.mark.parametrize("call", ["register", "check", "deregister", "drop check", "enable", "disable"])
async def test_change_the_disk_refuses_has_not_happened(
    autojump_clock: MockClock, house: House, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Neither here, nor with others, nor after a restart."""

    async def act(keeper: ServiceKeeper) -> None:
        match call:
            case "register":
                await keeper.register_service(replace(WEB, port=9), [ttl("new")], replace_checks=True)
            case "check":
                await keeper.register_check(ttl("c2"))
            case "deregister":
                await keeper.deregister_service("web1")
            case "drop check":
                await keeper.deregister_check("c")
            case "enable":
                await keeper.set_maintenance(None, enabled=True, reason="")
            case _:
                await keeper.set_maintenance("web1", enabled=False, reason="")

    keeper = await house.start()
    await keeper.register_service(WEB, [ttl("c")])
    await keeper.set_maintenance("web1", enabled=True, reason="r")
    before = (keeper.services(), keeper.checks(), dict(house.told))
    with monkeypatch.context() as broken:
        broken.setattr(Store, "_commit", refusing("the disk is full"))
        with pytest.raises(StoreError, match="the disk is full"):
            await act(keeper)
    assert (keeper.services(), keeper.checks(), house.told) == before
    again = await house.start()
    assert (again.services(), again.checks()) == before[:2]
    await act(again)
    assert (again.services(), again.checks()) != before[:2]


async def test_ttl_words_the_disk_refuses_are_written_later(
    autojump_clock: MockClock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner is told so, as often as it says it; its word counts all the same, and goes to the disk in the end."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", 1_000.0))
    with monkeypatch.context() as broken:
        broken.setattr(Store, "_commit", refusing("the disk is full"))
        for word in ("first", "word"):
            with pytest.raises(StoreError, match="the disk is full"):
                await keeper.update_ttl("c", PASSING, word)
            assert house.told_check("c").status is PASSING
        assert keeper.checks()["c"].output == "word"
        await trio.sleep(20)
    await trio.sleep(10)
    keeper = await house.start()
    assert keeper.checks()["c"].output == "word"


async def test_ttl_word_the_disk_refuses_does_not_outlive_its_check(
    autojump_clock: MockClock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check of the same id that is registered later begins without it."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", 1_000.0))
    with monkeypatch.context() as broken:
        broken.setattr(Store, "_commit", refusing("the disk is full"))
        with pytest.raises(StoreError):
            await keeper.update_ttl("c", PASSING, "word")
    await keeper.deregister_check("c")
    await keeper.register_check(ttl("c", 1_000.0))
    await trio.sleep(20)
    keeper = await house.start()
    assert keeper.checks()["c"].status is CRITICAL


async def test_change_of_a_client_that_went_away_is_whole(
    autojump_clock: MockClock, house: House, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    """Cancelled amid the write, memory and disk still say the same."""
    keeper = await house.start()
    begun, proceed = trio.Event(), trio.Event()
    real = Store._save

    async def slow(store: Store, *statements: object) -> None:
        begun.set()
        await proceed.wait()
        await real(store, *statements)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "_save", slow)
    async with trio.open_nursery() as clients:
        clients.start_soon(keeper.register_service, WEB, [ttl("c")])
        await begun.wait()
        clients.cancel_scope.cancel()
        proceed.set()
    assert (list(keeper.services()), list(keeper.checks())) == (["web1"], ["c"])
    assert house.store is not None
    assert list(ServiceStore(house.store).load().services) == ["web1"]
