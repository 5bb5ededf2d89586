"""The license in force: which of file and renewal it is, what may take its place, and what is said of it."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import trio
import trio.testing

from node.config import Config
from node.license_file import describe_expiry
from node.license_keeper import LicenseKeeper, open_licensing
from node.store import Store
from node.store_error import StoreError
from protocol.error import InvalidRequest
from protocol.security.license import License, issue_license
from protocol.security.signing_key import SigningKey, format_public_key

START_MS = 1_790_000_000_000
"""2026-09-21T13:33:20Z."""
DAY_MS = 86_400_000
EXPIRY_MS = START_MS + 100 * DAY_MS
"""2026-12-30T13:33:20Z."""
ISSUER = SigningKey.generate(lambda size: b"\1" * size)
STRANGER = SigningKey.generate(lambda size: b"\2" * size)


def make_license(issued_day: int = 0, key: SigningKey = ISSUER, **changes: Any) -> License:
    """Give a license for five, issued some days after the start."""
    values: dict[str, Any] = {"license_id": "acme", "max_nodes": 5, "expires_at_ms": EXPIRY_MS}
    return issue_license(key, issued_at_ms=START_MS + issued_day * DAY_MS, **(values | changes))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give an open store."""
    with Store.open(tmp_path / "data") as store:
        yield store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the path of a license file that holds the first license."""
    path = tmp_path / "license.json"
    path.write_text(make_license().text)
    return path


def config_with(tmp_path: Path, **settings: Any) -> Config:
    """Give a node's configuration."""
    return Config.local(name="n1", data_dir=tmp_path / "data", **settings)


def keeper_of(current: License | None, store: Store, told: list[License] | None = None) -> LicenseKeeper:
    """Give a keeper that trusts the issuer."""
    return LicenseKeeper(current, (ISSUER.public_key,), store, told.append if told is not None else None)


# --- at the start -----------------------------------------------------------------------------------


def test_keeper_without_a_license_is_open(tmp_path: Path, store: Store) -> None:
    """No license in force, nothing to warn of, however many members there are."""
    keeper = open_licensing(config_with(tmp_path), store)
    assert keeper.current is None
    assert not keeper.has_expired(9e9)
    assert keeper.warnings(9e9, 1_000) == ()


def test_keeper_reads_the_file(tmp_path: Path, store: Store, file: Path) -> None:
    """Trusted issuers are those of the configuration; without any, every issuer counts."""
    trusted = [format_public_key(STRANGER.public_key), format_public_key(ISSUER.public_key)]
    assert open_licensing(config_with(tmp_path, license=file, license_issuers=trusted), store).current == make_license()
    assert open_licensing(config_with(tmp_path, license=file), store).current == make_license()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"license.json cannot be read: No such file"),
        (b"", "license.json cannot be used: the license is not JSON"),
        (b"\xff\xfe", "license.json is no license: it is not text"),
        (make_license(key=STRANGER).text.encode(), "license.json cannot be used: .* none of the trusted"),
        (make_license().text.replace("A", "B", 1).encode(), "license.json cannot be used: "),
        (make_license().text.encode() + b" " * 9_000, "at most 8192"),
    ],
)
def test_keeper_refuses_a_wrong_file_in_one_sentence(
    tmp_path: Path, store: Store, file: Path, content: bytes | None, sentence: str
) -> None:
    """The sentence names the file; the operator must not believe that another license is in force."""
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    config = config_with(tmp_path, license=file, license_issuers=[format_public_key(ISSUER.public_key)])
    with pytest.raises(InvalidRequest, match=sentence) as refused:
        open_licensing(config, store)
    assert str(refused.value).isprintable()


async def test_keeper_uses_the_later_of_file_and_renewal(tmp_path: Path, store: Store, file: Path) -> None:
    """An applied renewal outlives the process; a newer file goes before it."""
    config = config_with(tmp_path, license=file)
    await open_licensing(config, store).apply(make_license(2, max_nodes=9).text)
    assert open_licensing(config, store).current == make_license(2, max_nodes=9)
    file.write_text(make_license(3, max_nodes=7).text)
    assert open_licensing(config, store).current == make_license(3, max_nodes=7)


async def test_keeper_ignores_a_renewal_of_another_license(tmp_path: Path, store: Store, file: Path) -> None:
    """The file says which license it is: by id and issuer; without a file none is in force."""
    await open_licensing(config_with(tmp_path, license=file), store).apply(make_license(2).text)
    assert open_licensing(config_with(tmp_path), store).current is None
    for other in (make_license(license_id="beta"), make_license(key=STRANGER)):
        file.write_text(other.text)
        assert open_licensing(config_with(tmp_path, license=file), store).current == other


@pytest.mark.parametrize("stored", ["", "{}", make_license().text[:-9]])
async def test_keeper_says_that_the_stored_renewal_is_damaged(
    tmp_path: Path, store: Store, file: Path, stored: str
) -> None:
    """What was never written there is damage, not a reason to go back to an older license in silence."""
    await store.save_license(stored)
    with pytest.raises(StoreError, match=r"state.db is damaged \(the stored license: "):
        open_licensing(config_with(tmp_path, license=file), store)


async def test_keeper_says_that_the_database_holds_no_text(tmp_path: Path, store: Store, file: Path) -> None:
    """A value of another kind is damage, too."""
    for value in (7, b"\xff"):
        await store._save_meta("license", value)
        with pytest.raises(StoreError, match=r"state.db is damaged"):
            open_licensing(config_with(tmp_path, license=file), store)


# --- renewals ---------------------------------------------------------------------------------------


async def test_keeper_applies_a_renewal(store: Store) -> None:
    """It is on disk and in force at return, and the engine is told once."""
    told: list[License] = []
    keeper = keeper_of(make_license(), store, told)
    fresh = make_license(1, max_nodes=9, expires_at_ms=None)
    assert await keeper.apply(fresh.text) == fresh == keeper.current
    assert told == [fresh]
    assert store.load_license() == fresh.text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "not JSON"),
        (make_license(0).text, "not later"),
        (make_license(-1).text, "not later"),
        (make_license(1, license_id="beta").text, "another license"),
        (make_license(1, key=STRANGER).text, "none of the trusted"),
        (make_license(1).text.replace("e", "f", 9), "not a license"),
    ],
)
async def test_keeper_refuses_what_is_no_renewal(store: Store, text: str, sentence: str) -> None:
    """Nothing changes, in memory or on disk, and nobody is told."""
    told: list[License] = []
    keeper = keeper_of(make_license(), store, told)
    with pytest.raises(InvalidRequest, match=sentence):
        await keeper.apply(text)
    assert (keeper.current, told, store.load_license()) == (make_license(), [], None)


async def test_keeper_of_the_open_license_applies_none(store: Store) -> None:
    """The members without a license would refuse this node; it takes a start with --license."""
    with pytest.raises(InvalidRequest, match="open license"):
        await keeper_of(None, store).apply(make_license().text)
    assert store.load_license() is None


async def test_keeper_changes_nothing_when_the_disk_refuses(store: Store) -> None:
    """What is not stored is not in force."""
    told: list[License] = []
    keeper = keeper_of(make_license(), store, told)
    store.close()
    with pytest.raises(StoreError):
        await keeper.apply(make_license(1).text)
    assert (keeper.current, told) == (make_license(), [])


async def test_keeper_finishes_what_it_began_though_the_caller_goes(tmp_path: Path) -> None:
    """A client that hangs up leaves disk and memory saying the same."""
    scope = trio.CancelScope()

    class Watched(Store):
        async def save_license(self, text: str) -> None:
            scope.cancel()
            await super().save_license(text)

    with Watched.open(tmp_path / "watched") as store:
        keeper = keeper_of(make_license(), store)
        with scope:
            await keeper.apply(make_license(1).text)
            await trio.lowlevel.checkpoint_if_cancelled()
        assert scope.cancelled_caught
        assert store.load_license() == make_license(1).text
        assert keeper.current == make_license(1)


async def test_keeper_takes_the_later_of_two_renewals_at_once(store: Store) -> None:
    """They take turns; the earlier one is refused if it comes second, and never wins."""
    keeper = keeper_of(make_license(), store)

    async def apply(license: License) -> None:
        try:
            await keeper.apply(license.text)
        except InvalidRequest as wrong:
            assert "not later" in str(wrong)

    async with trio.open_nursery() as nursery:
        for day in (2, 1, 3):
            nursery.start_soon(apply, make_license(day))
    assert keeper.current == make_license(3)
    assert store.load_license() == make_license(3).text


# --- SIGHUP -----------------------------------------------------------------------------------------


def reloading_keeper(tmp_path: Path, store: Store, file: Path) -> tuple[LicenseKeeper, Config, list[License]]:
    """Give a keeper over a file, its configuration, and what it told."""
    told: list[License] = []
    config = config_with(tmp_path, license=file)
    keeper = open_licensing(config, store)
    keeper.on_change = told.append
    return keeper, config, told


def test_keeper_reload_of_the_same_file_changes_nothing(tmp_path: Path, store: Store, file: Path) -> None:
    """However it is spaced."""
    keeper, config, told = reloading_keeper(tmp_path, store, file)
    file.write_text(make_license().text + "\n\n")
    keeper.reload(config)
    assert (keeper.current, told) == (make_license(), [])


def test_keeper_reload_takes_a_renewal(tmp_path: Path, store: Store, file: Path) -> None:
    """A later file of the same identity, at the same path or another."""
    keeper, config, told = reloading_keeper(tmp_path, store, file)
    file.write_text(make_license(1, max_nodes=6).text)
    keeper.reload(config)
    other = tmp_path / "other.json"
    other.write_text(make_license(2, max_nodes=7).text)
    keeper.reload(config.replace(license=other))
    assert keeper.current == make_license(2, max_nodes=7)
    assert told == [make_license(1, max_nodes=6), make_license(2, max_nodes=7)]


async def test_keeper_reload_leaves_an_applied_renewal_alone(tmp_path: Path, store: Store, file: Path) -> None:
    """The old file is still there, and that is no error; nor is it when it has become what was applied."""
    keeper, config, told = reloading_keeper(tmp_path, store, file)
    await keeper.apply(make_license(2).text)
    keeper.reload(config)
    file.write_text(make_license(2).text)
    keeper.reload(config)
    assert (keeper.current, told) == (make_license(2), [make_license(2)])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (make_license(-1).text, "not taken: .*not later"),
        (make_license(1, license_id="beta").text, "not taken: another license"),
        (make_license(1, key=STRANGER).text, "not taken: another license"),
        ("{", "not JSON"),
    ],
)
def test_keeper_reload_refuses_anything_else(
    tmp_path: Path, store: Store, file: Path, content: str, sentence: str
) -> None:
    """The license in force stays, and a mended file is taken afterwards."""
    keeper, config, told = reloading_keeper(tmp_path, store, file)
    file.write_text(content)
    with pytest.raises(InvalidRequest, match=sentence):
        keeper.reload(config)
    assert (keeper.current, told) == (make_license(), [])
    file.write_text(make_license(1).text)
    keeper.reload(config)
    assert keeper.current == make_license(1)


def test_keeper_reload_neither_begins_nor_ends_a_license(tmp_path: Path, store: Store, file: Path) -> None:
    """Both would cut this node off from its members; and an open node without a file reloads in peace."""
    keeper, config, _ = reloading_keeper(tmp_path, store, file)
    with pytest.raises(InvalidRequest, match="restart without --license"):
        keeper.reload(config_with(tmp_path))
    is_open = open_licensing(config_with(tmp_path), store)
    with pytest.raises(InvalidRequest, match="at its start"):
        is_open.reload(config)
    is_open.reload(config_with(tmp_path))


def test_keeper_reload_takes_other_trusted_issuers(tmp_path: Path, store: Store, file: Path) -> None:
    """One who is no longer trusted is refused; what is in force stays."""
    keeper, config, _ = reloading_keeper(tmp_path, store, file)
    with pytest.raises(InvalidRequest, match="none of the trusted"):
        keeper.reload(config.replace(license_issuers=[format_public_key(STRANGER.public_key)]))
    assert keeper.current == make_license()


# --- what is said -----------------------------------------------------------------------------------

DAY_S, HOUR_S, EXPIRY_S = 86_400.0, 3_600.0, EXPIRY_MS / 1000


@pytest.mark.parametrize(
    ("left_s", "said"),
    [
        (30 * DAY_S + 1, ()),
        (30 * DAY_S, ("license acme expires in 30 days, on 2026-12-30",)),
        (12.9 * DAY_S, ("license acme expires in 12 days, on 2026-12-30",)),
        (DAY_S, ("license acme expires in 1 day, on 2026-12-30",)),
        (DAY_S - 1, ("license acme expires in 23 hours, on 2026-12-30",)),
        (HOUR_S, ("license acme expires in 1 hour, on 2026-12-30",)),
        (1, ("license acme expires in less than an hour, on 2026-12-30",)),
        (0, ("license acme expired on 2026-12-30: no new member is let in",)),
        (-DAY_S, ("license acme expired on 2026-12-30: no new member is let in",)),
    ],
)
def test_keeper_warns_before_and_after_expiry(store: Store, left_s: float, said: tuple[str, ...]) -> None:
    """From 30 days before; in hours on the last day."""
    keeper = keeper_of(make_license(), store)
    assert keeper.warnings(EXPIRY_S - left_s, 5) == said
    assert keeper.has_expired(EXPIRY_S - left_s) == (left_s <= 0)


def test_keeper_warns_of_more_members_than_seats(store: Store) -> None:
    """Beside what it says of expiry; a license that never expires says nothing of it."""
    keeper = keeper_of(make_license(expires_at_ms=None), store)
    assert keeper.warnings(9e9, 5) == ()
    assert keeper.warnings(9e9, 7) == (
        "7 members on license acme for 5: no new member is let in until some leave or the license is replaced",
    )
    assert len(keeper_of(make_license(), store).warnings(EXPIRY_S, 7)) == 2
    assert describe_expiry(make_license(expires_at_ms=None)) == "never expires"


def test_keeper_logs_each_warning_once(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Again each day, as the days count down, and again when it went away and came back."""
    caplog.set_level(logging.WARNING, "shoal.license")
    keeper = keeper_of(make_license(), store)
    for left_days, seats_taken in ((31.0, 5), (30.0, 5), (29.9, 6), (29.8, 6), (29.7, 5), (29.6, 6), (28.9, 5)):
        keeper.look(EXPIRY_S - left_days * DAY_S, seats_taken)
    said = [record.getMessage().split(",")[0].split(":")[0] for record in caplog.records]
    over = "6 members on license acme for 5"
    assert said == [
        "license acme expires in 30 days", "license acme expires in 29 days", over, over,
        "license acme expires in 28 days",
    ]  # fmt: skip


def test_keeper_tells_of_expiry_once_and_when_a_clock_undoes_it(store: Store) -> None:
    """One that starts expired is told of at the first look."""
    told: list[License] = []
    keeper = keeper_of(make_license(), store, told)
    counts = []
    for left_s in (-5, -6, 5, 4, -1):
        keeper.look(EXPIRY_S - left_s, 1)
        counts.append(len(told))
    assert counts == [1, 1, 2, 2, 3]


class StoreInMemory:
    """Writes at once: a mock clock would run ahead while a thread writes."""

    async def save_license(self, text: str) -> None:
        """Take it."""
        await trio.lowlevel.checkpoint()


async def test_keeper_tells_of_expiry_when_it_comes(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, at its moment and not an hour later, for the license in force and for its renewal."""
    caplog.set_level(logging.WARNING, "shoal.license")
    told: list[tuple[License, float]] = []
    began = trio.current_time()

    def now() -> float:
        return EXPIRY_S - 10_000 + trio.current_time() - began

    keeper = keeper_of(make_license(), cast(Store, StoreInMemory()))
    keeper.on_change = lambda license: told.append((license, now()))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run, lambda: 1, now)
        await trio.sleep(50_000)
        assert [license for license, _ in told] == [make_license()]
        assert 0 <= told[0][1] - EXPIRY_S < 1
        renewal = make_license(1, expires_at_ms=EXPIRY_MS + 40_000_500)
        await keeper.apply(renewal.text)
        await trio.sleep(20_000)
        nursery.cancel_scope.cancel()
    assert [license for license, _ in told] == [make_license(), renewal, renewal]
    assert 0 <= told[2][1] - EXPIRY_S - 40_000.5 < 1
