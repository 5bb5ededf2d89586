"""Services and checks of one node: registration, states, maintenance, expiry, and what others are told."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from node import service_room
from node.check.definition import CheckDefinition
from node.check.outcome import Outcome
from node.service_keeper import NoSuchService, NotTtl
from protocol.catalog.check import Check, CheckKind, CheckStatus
from protocol.catalog.key import check_key, service_key
from protocol.catalog.service import Service
from protocol.error import InvalidRequest
from tests.node.service_house import WEB, House, tcp, ttl

PASSING, WARNING, CRITICAL = CheckStatus


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery) -> AsyncIterator[House]:
    """Give a data directory."""
    house = House(tmp_path / "d", nursery, monkeypatch)
    yield house
    house.stop()


# --- registering ------------------------------------------------------------------------------------


async def test_service_stands_with_its_checks(autojump_clock: MockClock, house: House) -> None:
    """One check is called after its service, several are numbered; others hear the same, checks first."""
    keeper = await house.start()
    await keeper.register_service(WEB, [replace(ttl(), notes="n")])
    await keeper.register_service(Service("", "db"), [tcp(), ttl("own", status=WARNING), ttl()])
    assert keeper.services() == {"web1": WEB, "db": Service("db", "db")}
    assert keeper.checks() == {
        "service:web1": Check("service:web1", "Service 'web' check", CRITICAL, "n", "", "web1", CheckKind.TTL),
        "service:db:1": Check("service:db:1", "Service 'db' check", CRITICAL, "", "", "db", CheckKind.TCP),
        "own": Check("own", "own", WARNING, "", "", "db", CheckKind.TTL),
        "service:db:3": Check("service:db:3", "Service 'db' check", CRITICAL, "", "", "db", CheckKind.TTL),
    }
    assert house.told == {
        **{service_key(id): service.encode() for id, service in keeper.services().items()},
        **{check_key(id): check.encode() for id, check in keeper.checks().items()},
    }
    assert [key for key, _ in house.news[:2]] == [check_key("service:web1"), service_key("web1")]
    assert set(house.changed) == set(house.told)


async def test_service_registered_again_keeps_the_state_of_its_checks(autojump_clock: MockClock, house: House) -> None:
    """Its definition is replaced, checks that are not named stay or (replace_checks) go; equal ones are no news."""
    keeper = await house.start()
    await keeper.register_service(WEB, [ttl("a"), ttl("b")])
    await keeper.set_maintenance("web1", enabled=True, reason="")
    await keeper.update_ttl("a", PASSING, "up")
    house.news.clear()
    await keeper.register_service(WEB, [ttl("a"), ttl("b")])
    assert house.news == []
    await keeper.register_service(replace(WEB, port=81), [replace(ttl("a", status=WARNING), notes="new")])
    assert keeper.services()["web1"].port == 81
    assert keeper.checks()["a"] == Check("a", "a", PASSING, "new", "up", "web1", CheckKind.TTL)
    assert len(keeper.checks()) == 3
    await keeper.register_service(WEB, [ttl("a")], replace_checks=True)
    assert list(keeper.checks()) == ["a", "_service_maintenance:web1"]
    assert check_key("b") not in house.told


async def test_check_stands_alone_or_with_a_service(autojump_clock: MockClock, house: House) -> None:
    """Its id is its name's where it has none; registered again it keeps its status."""
    keeper = await house.start()
    await keeper.register_check(replace(ttl("disk"), id=""))
    await keeper.update_ttl("disk", WARNING, "90 %")
    await keeper.register_check(ttl("disk", status=PASSING))
    assert keeper.checks() == {"disk": Check("disk", "disk", WARNING, "", "90 %", "", CheckKind.TTL)}
    with pytest.raises(NoSuchService):
        await keeper.register_check(ttl("c", service_id="web1"))
    await keeper.register_service(WEB)
    await keeper.register_check(ttl("c", service_id="web1"))
    assert keeper.checks()["c"].service_id == "web1"


async def test_deregistration_takes_the_checks_along(autojump_clock: MockClock, house: House) -> None:
    """A service goes with its checks and its maintenance; a check goes alone; the unknown is told apart."""
    keeper = await house.start()
    await keeper.register_service(WEB, [ttl(), tcp("t")])
    await keeper.register_check(ttl("own"))
    await keeper.set_maintenance("web1", enabled=True, reason="r")
    assert await keeper.deregister_check("t") is True
    assert await keeper.deregister_check("t") is False
    assert await keeper.deregister_service("web1") is True
    assert await keeper.deregister_service("web1") is False
    assert (list(keeper.services()), list(keeper.checks())) == ([], ["own"])
    assert set(house.told) == {check_key("own")}
    await trio.sleep(100)
    assert "t" not in house.runs[1:]


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ([CheckDefinition(id="c")], "exactly one of"),
        ([tcp("c", ttl_s=5.0)], "exactly one of"),
        ([tcp("c", interval_s=0.0)], "interval"),
        ([tcp("c", interval_s=float("nan"))], "interval"),
        ([ttl("c", -1.0)], "TTL"),
        ([ttl("c", timeout_s=float("inf"))], "timeout"),
        ([ttl("serfHealth")], "another id"),
        ([ttl("_node_maintenance")], "another id"),
        ([ttl("_service_maintenance:x")], "another id"),
        ([tcp("c", success_before_passing=-1)], "at least 0"),
        ([tcp("c", failures_before_critical=-1)], "at least 0"),
        ([tcp("c", output_max_size=-1)], "at least 0"),
        ([ttl("x" * 321)], "check id"),
        ([CheckDefinition(id="c", http="http://" + "x" * 5_000, interval_s=9.0)], "URL"),
        ([CheckDefinition(id="c", docker_container="d", interval_s=9.0)], "container"),
        ([CheckDefinition(id="c", args=("x" * 20_000,), interval_s=9.0)], "definition of"),
    ],
)
async def test_check_that_cannot_be_is_refused(
    autojump_clock: MockClock, house: House, checks: list[CheckDefinition], words: str
) -> None:
    """One sentence, and nothing is registered: not its service either."""
    house.scripts_enabled = True
    keeper = await house.start()
    with pytest.raises(InvalidRequest, match=words):
        await keeper.register_service(WEB, checks)
    with pytest.raises(InvalidRequest):
        await keeper.register_service(Service("x", ""))
    assert (keeper.services(), keeper.checks(), house.told) == ({}, {}, {})


async def test_programs_are_run_only_where_they_are_enabled(autojump_clock: MockClock, house: House) -> None:
    """Scripts and Docker's alike."""
    keeper = await house.start()
    script = CheckDefinition(id="c", name="c", args=("/bin/true",), interval_s=0.1)
    for definition in (script, replace(script, docker_container="d")):
        with pytest.raises(InvalidRequest, match="Scripts are disabled on this agent"):
            await keeper.register_check(definition)
    house.scripts_enabled = True
    keeper = await house.start()
    await keeper.register_check(script)
    await trio.sleep(3.5)
    assert 3 <= len(house.runs) <= 4  # once a second at most
    assert keeper.checks()["c"].kind is CheckKind.SCRIPT


async def test_node_has_room_for_so_many(
    autojump_clock: MockClock, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond that nothing new is taken; what is there can change and shrink, and the node's maintenance has room."""
    monkeypatch.setattr(service_room, "_LIMITS", (("services", 2), ("checks", 3), ("bytes", 5_000), ("bytes", 1_300)))
    keeper = await house.start()
    await keeper.register_service(Service("a", "a"), [ttl()])
    await keeper.register_service(Service("b", "b"), [ttl(), ttl()])
    for refused in (
        keeper.register_service(Service("c", "c")),
        keeper.register_check(ttl("d")),
        keeper.register_service(Service("a", "a"), [ttl("e")]),
        keeper.set_maintenance("a", enabled=True, reason=""),
        keeper.register_service(Service("a", "a"), [tcp(tcp="x" * 300 + ":80")]),
        keeper.register_service(Service("a", "a", ("x" * 100,) * 30)),
    ):
        with pytest.raises(InvalidRequest, match="at most"):
            await refused
    await keeper.register_service(Service("a", "a2"), [ttl()])
    await keeper.register_service(Service("a", "a2"), [ttl("e")], replace_checks=True)
    await keeper.set_maintenance(None, enabled=True, reason="")
    assert len(keeper.checks()) == 4
    assert await keeper.deregister_service("b")
    await keeper.register_check(ttl("d"))


# --- states -----------------------------------------------------------------------------------------


async def test_ttl_expires_and_returns(autojump_clock: MockClock, house: House) -> None:
    """Critical once its time is up, with the last words; any word begins its time anew, also after that."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", 10.0, status=PASSING))
    await trio.sleep(9)
    assert keeper.checks()["c"].status is PASSING
    await trio.sleep(2)
    assert (keeper.checks()["c"].status, keeper.checks()["c"].output) == (CRITICAL, "TTL expired")
    await keeper.update_ttl("c", PASSING, "all is well")
    for _ in range(3):
        await trio.sleep(8)
        await keeper.update_ttl("c", PASSING, "all is well")
    assert keeper.checks()["c"].output == "all is well"
    await trio.sleep(11)
    expired = "TTL expired (last output before timeout follows): all is well"
    assert (keeper.checks()["c"].status, keeper.checks()["c"].output) == (CRITICAL, expired)
    assert house.told_check("c").output == expired


async def test_ttl_of_a_check_registered_again_begins_anew(autojump_clock: MockClock, house: House) -> None:
    """The old timer is stopped; as anything else it has no timer at all."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", 10.0, status=PASSING))
    await trio.sleep(8)
    await keeper.register_check(ttl("c", 20.0))
    await trio.sleep(15)
    assert keeper.checks()["c"].status is PASSING
    await trio.sleep(6)
    assert keeper.checks()["c"].status is CRITICAL
    await keeper.register_check(tcp("c"))
    await trio.sleep(100)
    assert keeper.checks()["c"] == Check("c", "c", PASSING, "", "fine", "", CheckKind.TCP)
    with pytest.raises(NotTtl):
        await keeper.update_ttl("c", PASSING, "")
    with pytest.raises(NotTtl):
        await keeper.update_ttl("nobody", PASSING, "")


async def test_ttl_output_is_cut(autojump_clock: MockClock, house: House) -> None:
    """4,096 bytes stay here, 512 travel."""
    keeper = await house.start()
    await keeper.register_check(ttl("c"))
    await keeper.update_ttl("c", WARNING, "x" * 5_000)
    assert keeper.checks()["c"].output == "x" * 4_096 + " ... (captured 4096 of 5000 bytes)"
    assert house.told_check("c").output == "x" * 512


async def test_check_is_run_and_its_outcome_stands(autojump_clock: MockClock, house: House) -> None:
    """Registering it again and again does not keep it from being run."""
    keeper = await house.start()
    await keeper.register_service(WEB, [tcp("c", interval_s=10.0)])
    for _ in range(20):
        await trio.sleep(1)
        await keeper.register_service(WEB, [tcp("c", interval_s=10.0)])
    assert house.runs in (["c", "c"], ["c"])
    assert (keeper.checks()["c"].status, keeper.checks()["c"].output) == (PASSING, "fine")
    house.outcomes["c"] = Outcome(CRITICAL, "refused")
    await trio.sleep(10)
    assert house.told_check("c").status is CRITICAL


async def test_output_alone_is_told_every_ten_seconds(autojump_clock: MockClock, house: House) -> None:
    """A status at once; then outputs 10 s apart, the newest; one that is as it was told before is no news."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", 1_000.0))
    await keeper.update_ttl("c", PASSING, "0")
    house.news.clear()
    start = trio.current_time()
    heard: list[tuple[float, str]] = []
    keeper.publish = lambda key, value: heard.append(
        (round(trio.current_time() - start), Check.decode("c", value or b"").output)
    )
    for second in range(1, 26):
        await trio.sleep(1)
        await keeper.update_ttl("c", PASSING, str(second))
        assert keeper.checks()["c"].output == str(second)
    assert [output for _, output in heard] in (["9", "19"], ["10", "20"], ["9", "20"], ["10", "19"])
    assert [at for at, _ in heard] == [10, 20]
    await keeper.update_ttl("c", WARNING, "25")
    assert len(heard) == 3
    await keeper.update_ttl("c", WARNING, "26")
    await keeper.update_ttl("c", WARNING, "25")
    await trio.sleep(100)
    assert len(heard) == 3
    await keeper.update_ttl("c", WARNING, "27")
    assert heard[-1][1] == "27"
    await keeper.update_ttl("c", WARNING, "28")
    keeper.publish_all()
    assert heard[-1][1] == "28"


async def test_publish_that_refuses_changes_nothing_here(
    autojump_clock: MockClock, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said in the log; the service stands."""
    keeper = await house.start()

    def refuse(key: bytes, value: bytes | None) -> None:
        raise InvalidRequest("too much")

    keeper.publish = refuse
    await keeper.register_service(WEB)
    assert list(keeper.services()) == ["web1"]
    assert "too much" in caplog.text


# --- maintenance ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service_id", "id", "name", "what"),
    [
        ("web1", "_service_maintenance:web1", "Service Maintenance Mode", "service"),
        (None, "_node_maintenance", "Node Maintenance Mode", "node"),
    ],
)
async def test_maintenance_is_a_critical_check(
    autojump_clock: MockClock, house: House, service_id: str | None, id: str, name: str, what: str
) -> None:
    """A second enable keeps the first reason; without one there is a text; it goes when it is over."""
    keeper = await house.start()
    await keeper.register_service(WEB)
    await keeper.set_maintenance(service_id, enabled=False, reason="")
    await keeper.set_maintenance(service_id, enabled=True, reason="first")
    await keeper.set_maintenance(service_id, enabled=True, reason="second")
    assert keeper.checks() == {id: Check(id, name, CRITICAL, "first", "", service_id or "", CheckKind.NONE)}
    assert house.told_check(id).notes == "first"
    await keeper.set_maintenance(service_id, enabled=False, reason="")
    assert keeper.checks() == {}
    await keeper.set_maintenance(service_id, enabled=True, reason="")
    assert keeper.checks()[id].notes == (
        f"Maintenance mode is enabled for this {what}, but no reason was provided. This is a default message."
    )
    assert await keeper.deregister_check(id)
    await keeper.set_maintenance(service_id, enabled=True, reason="\N{FISH}" * 5_000)
    assert keeper.checks()[id].notes == "\N{FISH}" * 1_024 + " ... (captured 4096 of 20000 bytes)"
    assert house.told_check(id).notes == "\N{FISH}" * 384
    house.stop()
    keeper = await house.start()
    assert keeper.checks()[id].notes == "\N{FISH}" * 1_024 + " ... (captured 4096 of 20000 bytes)"


@pytest.mark.parametrize("enabled", [True, False])
async def test_maintenance_of_no_service(autojump_clock: MockClock, house: House, enabled: bool) -> None:
    """It is told, also when it would end."""
    keeper = await house.start()
    with pytest.raises(NoSuchService):
        await keeper.set_maintenance("web1", enabled=enabled, reason="")


# --- reaping ----------------------------------------------------------------------------------------


async def test_service_that_is_critical_for_too_long_goes(autojump_clock: MockClock, house: House) -> None:
    """Within 30 s after its time, with all its checks; a recovery begins the time anew; checks of the node stay."""
    keeper = await house.start()
    await keeper.register_service(WEB, [ttl("c", 5_000.0, deregister_after_s=1.0), tcp("t")])
    await keeper.register_check(ttl("own", 5_000.0, deregister_after_s=60.0))
    await trio.sleep(50)
    await keeper.update_ttl("c", PASSING, "")
    await keeper.update_ttl("c", CRITICAL, "")
    await trio.sleep(55)
    assert "web1" in keeper.services()  # 1 s is raised to 60
    await keeper.register_service(WEB, [ttl("c", 5_000.0, deregister_after_s=60.0)])
    await trio.sleep(36)
    assert keeper.services() == {}
    assert list(keeper.checks()) == ["own"]
    await trio.sleep(500)
    assert list(keeper.checks()) == ["own"]


# --- thresholds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "failures", "shown"),
    [
        (0, 0, "PPPPCCCCPPCCWWWPCPCPPP"),
        (1, 1, "PPPPCCCCPPCCWWWPCPCPPP"),
        (3, 0, "PPPPCCCCCCCCCCWPCCCCCP"),
        (0, 3, "PPPPPPCCPPPPWWWPPPPPPP"),
        (2, 2, "PPPPPCCCCPPCCWWPPPPPPP"),
    ],
)
async def test_runs_in_a_row_change_a_check(
    autojump_clock: MockClock, house: House, successes: int, failures: int, shown: str
) -> None:
    """As in Consul 1.8.7, asked with these runs: the first counts, a warning is a success, any other run ends a row."""
    statuses = {"P": PASSING, "W": WARNING, "C": CRITICAL}
    keeper = await house.start()
    definition = tcp("c", interval_s=1.0, success_before_passing=successes, failures_before_critical=failures)
    found = ""
    house.outcomes["c"] = Outcome(PASSING, "1")
    await keeper.register_check(definition)
    for number, letter in enumerate("PPPPCCCCPPCCWWWPCPCPPP", 1):
        house.outcomes["c"] = Outcome(statuses[letter], str(number))
        await trio.sleep(1.0)
        await keeper.register_check(definition)  # registered again, it goes on counting
        found += next(key for key, status in statuses.items() if status is keeper.checks()["c"].status)
    assert len(house.runs) == len(found)
    assert found == shown


async def test_first_run_of_a_check_registered_anew_counts(autojump_clock: MockClock, house: House) -> None:
    """A check that is run otherwise from now on begins anew, and so does one after a restart."""
    keeper = await house.start()
    house.outcomes["c"] = Outcome(CRITICAL, "")
    await keeper.register_check(tcp("c", interval_s=1.0, success_before_passing=9, failures_before_critical=9))
    await trio.sleep(1.5)
    house.outcomes["c"] = Outcome(PASSING, "")
    await trio.sleep(3)
    assert keeper.checks()["c"].status is CRITICAL
    await keeper.register_check(tcp("c", interval_s=1.0, success_before_passing=8, failures_before_critical=9))
    await trio.sleep(1.5)
    assert keeper.checks()["c"].status is PASSING
    keeper = await house.start()
    assert keeper.checks()["c"].status is CRITICAL
    await trio.sleep(1.5)
    assert keeper.checks()["c"].status is PASSING


async def test_owner_of_a_ttl_check_is_believed_at_once(autojump_clock: MockClock, house: House) -> None:
    """Thresholds are for checks that are run."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", success_before_passing=5, failures_before_critical=5))
    for status in (PASSING, CRITICAL, WARNING):
        await keeper.update_ttl("c", status, "")
        assert keeper.checks()["c"].status is status


async def test_output_is_cut_as_its_check_wants(autojump_clock: MockClock, house: House) -> None:
    """Never above 4,096 bytes; a letter cut through becomes a sign."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", output_max_size=10))
    for said, kept in (
        ("0123456789", "0123456789"),
        ("y" * 50, "y" * 10 + " ... (captured 10 of 50 bytes)"),
        ("x" + "\N{LATIN SMALL LETTER E WITH ACUTE}" * 5, "xéééé\ufffd ... (captured 10 of 11 bytes)"),
    ):
        await keeper.update_ttl("c", PASSING, said)
        assert keeper.checks()["c"].output == kept
    await keeper.register_check(ttl("c", output_max_size=100_000))
    await keeper.update_ttl("c", PASSING, "x" * 5_000)
    assert keeper.checks()["c"].output == "x" * 4_096 + " ... (captured 4096 of 5000 bytes)"


async def test_long_notes_are_kept_and_travel_clipped(autojump_clock: MockClock, house: House) -> None:
    """4,096 bytes stay here, 512 characters travel; a restart changes nothing of it."""
    keeper = await house.start()
    await keeper.register_check(ttl("c", notes="x" * 5_000))
    await keeper.register_service(WEB, [ttl("w", notes="y" * 600)])
    for _ in range(2):
        assert keeper.checks()["c"].notes == "x" * 4_096 + " ... (captured 4096 of 5000 bytes)"
        assert keeper.checks()["w"].notes == "y" * 600
        assert (house.told_check("c").notes, house.told_check("w").notes) == ("x" * 512, "y" * 512)
        keeper = await house.start()
        await trio.sleep(0.1)


async def test_two_checks_of_one_id_are_the_last(autojump_clock: MockClock, house: House) -> None:
    """As in Consul."""
    keeper = await house.start()
    await keeper.register_service(WEB, [ttl("a", notes="first"), tcp("b"), ttl("a", notes="last")])
    assert {id: check.notes for id, check in keeper.checks().items()} == {"a": "last", "b": ""}
