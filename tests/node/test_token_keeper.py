"""Tokens of a node: what authorizes, which token is always left, and when each was used."""

import hmac
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from node import token_keeper
from node.secret_file import read_admin_token
from node.store import TOKENS_MAX, Store
from node.token_keeper import (
    ADMIN_TOKEN_NAME,
    EXPIRY_MAX_S,
    NAME_LENGTH_MAX,
    USES_WRITTEN_S,
    LastAdminToken,
    check_name,
    hash_secret,
    token_id,
)
from protocol.error import InvalidRequest
from tests.node.token_house import START, House, refuse_commit


@pytest.fixture
def house(tmp_path: Path) -> Any:
    """Give a data directory."""
    house = House(tmp_path / "d")
    yield house
    house.stop()


# --- making and checking ----------------------------------------------------------------------------


async def test_token_authorizes_from_its_making_on(house: House) -> None:
    """The secret of the answer is known at once, and after a crash; nothing near it is."""
    keeper = await house.start()
    secret, made = await keeper.create("ci", ["node:read", "peers.write", "node:read"], None)
    assert secret.startswith("shoal-")
    assert len(secret) == 6 + 43
    assert made.stored.scopes == ("node:read", "peers.write")
    for again in (keeper, await house.start()):
        found = again.find(secret)
        assert found is not None
        assert (found.id, found.stored.name, found.stored.scopes) == (made.id, "ci", ("node:read", "peers.write"))
        for near in ("", secret[:-1], secret + "x", secret.swapcase(), secret[6:], "\udcff", "ключ"):
            assert again.find(near) is None


async def test_token_secret_is_nowhere_on_the_disk(house: House) -> None:
    """What is kept is a hash: no file has the secret, nor what it was made of."""
    keeper = await house.start()
    secret, made = await keeper.create("ci", ["node:read"], None)
    assert made.stored.hash == hash_secret(secret)
    assert secret not in repr(made)
    house.stop()
    for file in house.directory.iterdir():
        assert secret[6:].encode() not in file.read_bytes()


def test_token_id_is_a_hash_of_the_hash() -> None:
    """16 hex letters that do not show the hash; different secrets, different ids."""
    assert token_id(hash_secret("a")) == "2e6da88fe49b3538"
    assert hash_secret("a").hex()[:16] != token_id(hash_secret("a"))
    assert token_id(hash_secret("a")) != token_id(hash_secret("b"))


async def test_token_check_compares_with_every_token(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However early the right one stands, all are compared, by the comparison of constant time."""
    keeper = await house.start()
    secrets = [(await keeper.create(f"t{number}", ["node:read"], None))[0] for number in range(5)]
    compared: list[bytes] = []
    real = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append(a)
        return real(a, b)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for secret in (house.admin_secret(), secrets[0], secrets[-1], "unknown"):
        compared.clear()
        keeper.find(secret)
        assert sorted(compared) == sorted(row.hash for row in house.rows())


async def test_token_expires_and_stays_listed(house: House) -> None:
    """At its hour it authorizes nothing more, here and after a restart; it is listed until it is revoked."""
    keeper = await house.start()
    secret, made = await keeper.create("short", ["node:read"], 90.0)
    house.clock.now = START + 89.999
    assert keeper.find(secret) is not None
    house.clock.now = START + 90
    assert keeper.find(secret) is None
    keeper = await house.start()
    assert keeper.find(secret) is None
    assert [held.id for held in keeper.list() if held.stored.expires_at is not None] == [made.id]
    assert await keeper.revoke(made.id)


@pytest.mark.parametrize(
    ("name", "scopes", "expires_in_s"),
    [
        ("", ["admin"], None),
        (" ", ["admin"], None),
        ("x" * (NAME_LENGTH_MAX + 1), ["admin"], None),
        ("a\nb", ["admin"], None),
        ("a\x1b[2J", ["admin"], None),
        ("\u202eabc", ["admin"], None),
        ("\ud800", ["admin"], None),
        (ADMIN_TOKEN_NAME, ["admin"], None),
        ("ok", [], None),
        ("ok", ["admin"], 0.0),
        ("ok", ["admin"], -1.0),
        ("ok", ["admin"], EXPIRY_MAX_S + 1),
        ("ok", ["admin"], float("inf")),
        ("ok", ["admin"], float("nan")),
        ("ok", ["two words"], None),
    ],
)
async def test_token_out_of_bounds_is_not_made(
    house: House, name: str, scopes: list[str], expires_in_s: float | None
) -> None:
    """A name, scopes or time out of bounds is one sentence, and nothing is made."""
    keeper = await house.start()
    with pytest.raises(InvalidRequest):
        await keeper.create(name, scopes, expires_in_s)
    assert [row.name for row in house.rows()] == [ADMIN_TOKEN_NAME]
    assert len(keeper.list()) == 1


@given(st.text(max_size=80))
def test_token_name_is_printable_or_refused(name: str) -> None:
    """A name that is taken moves no cursor and fits a line."""
    try:
        check_name(name)
    except InvalidRequest:
        return
    assert name.isprintable()
    assert 1 <= len(name) <= NAME_LENGTH_MAX
    name.encode()


async def test_tokens_are_bounded_and_leave_room_for_the_admin(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One place is kept for admin.token: a full table never keeps a start from making it."""
    monkeypatch.setattr(token_keeper, "TOKENS_MAX", 4)
    monkeypatch.setattr("node.store.TOKENS_MAX", 4)
    assert TOKENS_MAX == 256
    keeper = await house.start()
    made = [await keeper.create(f"t{number}", ["admin"], None) for number in range(3)]
    with pytest.raises(InvalidRequest, match="3 tokens are held"):
        await keeper.create("more", ["admin"], None)
    (admin,) = (held for held in keeper.list() if held.stored.name == ADMIN_TOKEN_NAME)
    assert await keeper.revoke(admin.id)
    with pytest.raises(InvalidRequest, match="3 tokens are held"):
        await keeper.create("more", ["admin"], None)
    house.stop()
    house.admin_file.write_text("A" * 40)
    house.admin_file.chmod(0o600)
    keeper = await house.start()
    assert keeper.find("A" * 40) is not None
    assert all(keeper.find(secret) for secret, _ in made)


# --- revoking ---------------------------------------------------------------------------------------


async def test_token_revoked_is_dead_at_once_and_for_ever(house: House) -> None:
    """It authorizes nothing, is not listed, and no restart brings it back; a second time there is none."""
    keeper = await house.start()
    secret, made = await keeper.create("ci", ["node:read"], None)
    assert await keeper.revoke(made.id) is True
    assert await keeper.revoke(made.id) is False
    assert await keeper.revoke("nobody") is False
    for again in (keeper, await house.start()):
        assert again.find(secret) is None
        assert [held.stored.name for held in again.list()] == [ADMIN_TOKEN_NAME]


async def test_last_admin_token_that_lasts_is_kept(house: House) -> None:
    """Neither expiring nor expired ones, nor those with less, count as the one that must remain."""
    keeper = await house.start()
    (admin,) = keeper.list()
    _, short = await keeper.create("short", ["admin"], 3600.0)
    await keeper.create("weak", ["node:read"], None)
    with pytest.raises(LastAdminToken):
        await keeper.revoke(admin.id)
    assert keeper.find(house.admin_secret()) is not None
    assert await keeper.revoke(short.id)

    secret, other = await keeper.create("other", ["admin", "node:read"], None)
    assert await keeper.revoke(admin.id)
    assert not house.admin_file.exists()
    with pytest.raises(LastAdminToken):
        await keeper.revoke(other.id)
    keeper = await house.start()
    assert keeper.find(secret) is not None
    assert not house.admin_file.exists(), "another admin token is there: none is made"


async def test_two_revocations_at_once_leave_one_admin(house: House) -> None:
    """Each of two looks at the other, but not both can go."""
    keeper = await house.start()
    await keeper.create("other", ["admin"], None)
    refused: list[str] = []

    async def revoke(id: str) -> None:
        try:
            await keeper.revoke(id)
        except LastAdminToken:
            refused.append(id)

    async with trio.open_nursery() as nursery:
        for held in keeper.list():
            nursery.start_soon(revoke, held.id)
    assert refused == [held.id for held in keeper.list()]
    assert len(refused) == 1


# --- the file admin.token ---------------------------------------------------------------------------


async def test_admin_token_is_made_at_the_first_start(house: House) -> None:
    """64 letters for the owner alone, a row of that name with admin, the same at each start."""
    keeper = await house.start()
    secret = house.admin_secret()
    assert len(secret) == 64
    assert house.admin_file.stat().st_mode & 0o777 == 0o600
    found = keeper.find(secret)
    assert found is not None
    assert (found.stored.name, found.stored.scopes, found.stored.expires_at) == (ADMIN_TOKEN_NAME, ("admin",), None)
    created_at = found.stored.created_at
    house.clock.now += 5
    keeper = await house.start()
    assert house.admin_secret() == secret
    assert [(held.id, held.stored.created_at) for held in keeper.list()] == [(found.id, created_at)]


async def test_admin_token_follows_its_file(house: House) -> None:
    """Another secret in the file ends the former one; a file taken away ends it too, and a new one is made."""
    await house.start()
    first = house.admin_secret()
    house.admin_file.write_text("shoal-" + "B" * 43 + "\n")
    keeper = await house.start()
    assert keeper.find(first) is None
    assert keeper.find("shoal-" + "B" * 43) is not None
    house.admin_file.unlink()
    keeper = await house.start()
    assert keeper.find("shoal-" + "B" * 43) is None
    assert keeper.find(house.admin_secret()) is not None
    assert len(keeper.list()) == 1


async def test_admin_token_of_an_older_data_directory_is_taken_over(house: House) -> None:
    """A file without a row, as earlier versions left it, goes on being the admin token."""
    house.directory.mkdir(mode=0o700)
    house.admin_file.write_text("0123456789abcdef" * 4 + "\n")
    house.admin_file.chmod(0o600)
    keeper = await house.start()
    assert keeper.find("0123456789abcdef" * 4) is not None


async def test_admin_file_with_an_expiring_admin_beside_it_is_made_anew(house: House) -> None:
    """Where only tokens that will expire are left, a start makes admin.token: nobody is ever locked out."""
    keeper = await house.start()
    await keeper.create("short", ["admin"], 3600.0)
    house.admin_file.unlink()
    keeper = await house.start()
    assert keeper.find(house.admin_secret()) is not None


async def test_admin_file_with_a_users_secret_makes_it_the_admin_token(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Who writes a known secret into the file has made it the admin's; it is said, and not counted twice."""
    keeper = await house.start()
    secret, made = await keeper.create("ops", ["node:read"], None)
    house.admin_file.write_text(secret)
    keeper = await house.start()
    assert [(held.id, held.stored.name, held.stored.scopes) for held in keeper.list()] == [
        (made.id, ADMIN_TOKEN_NAME, ("admin",))
    ]
    assert "the token ops" in caplog.text
    assert secret not in caplog.text


# --- times of use -----------------------------------------------------------------------------------


async def test_use_is_noted_at_once_and_written_once_a_minute(
    house: House, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand uses are two writes: the first, and what came after it a minute later."""
    keeper = await house.start()
    secret, made = await keeper.create("ci", ["node:read"], None)
    written: list[dict[bytes, float]] = []

    async def touch(store: Store, used_at: dict[bytes, float]) -> None:
        written.append(dict(used_at))  # no thread: the clock would jump while it writes

    monkeypatch.setattr(Store, "touch_tokens", touch)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keeper.run)
        await trio.sleep(1)
        assert written == [], "nothing was used"
        for number in range(1000):
            house.clock.now = START + number
            assert keeper.find(secret) is not None
            if number == 0:
                await trio.sleep(1)
        assert next(held for held in keeper.list() if held.id == made.id).last_used_at == START + 999
        await trio.sleep(USES_WRITTEN_S * 3)
        nursery.cancel_scope.cancel()
    assert written == [{made.stored.hash: START}, {made.stored.hash: START + 999}]


async def test_use_outlives_a_restart(house: House) -> None:
    """What was written is what the next start shows; a token that was never used says so."""
    keeper = await house.start()
    secret, _ = await keeper.create("ci", ["node:read"], None)
    house.clock.now += 7
    keeper.find(secret)
    await keeper.write_uses()
    keeper = await house.start()
    assert {held.stored.name: held.last_used_at for held in keeper.list()} == {ADMIN_TOKEN_NAME: None, "ci": START + 7}


async def test_use_never_fails_for_the_disk(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing disk fails no check; what was not written is, once it works again, unless it was revoked since."""
    keeper = await house.start()
    secret, _ = await keeper.create("ci", ["node:read"], None)
    gone, other = await keeper.create("gone", ["node:read"], None)
    with monkeypatch.context() as broken:
        broken.setattr(Store, "_commit", refuse_commit)
        assert all(keeper.find(one) for one in (secret, gone, house.admin_secret()))
        await keeper.write_uses()
    await keeper.revoke(other.id)
    house.clock.now += 7
    assert keeper.find(secret) is not None
    await keeper.write_uses()
    assert {row.name: row.last_used_at for row in house.rows()} == {ADMIN_TOKEN_NAME: START, "ci": START + 7}


# --- laws -------------------------------------------------------------------------------------------

_acts = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from(["admin", "node:read"]), st.sampled_from([None, 50.0])),
        st.tuples(st.just("revoke"), st.integers(0, 9), st.none()),
        st.tuples(st.just("later"), st.just(0), st.none()),
        st.tuples(st.just("restart"), st.just(0), st.none()),
        st.tuples(st.just("no file"), st.just(0), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(acts=_acts)
async def test_law_what_was_answered_holds(acts: list[tuple[str, Any, Any]], tmp_path_factory: Any) -> None:
    """After any acts: made, unexpired and unrevoked authorizes, nothing else does, and an admin token lasts."""
    house = House(tmp_path_factory.mktemp("law"))
    try:
        keeper = await house.start()
        made: dict[str, tuple[str, float | None]] = {}
        dead: set[str] = set()
        for act, first, second in acts:
            if act == "create":
                secret, held = await keeper.create("t", [first], second)
                made[held.id] = (secret, held.stored.expires_at)
            elif act == "revoke" and first < len(keeper.list()):
                held = keeper.list()[first]
                try:
                    await keeper.revoke(held.id)
                except LastAdminToken:
                    continue
                dead |= {made.pop(held.id)[0]} if held.id in made else set()
            elif act == "later":
                house.clock.now += 30
            elif act in ("restart", "no file"):
                house.stop()
                if act == "no file" and house.admin_file.exists():
                    dead.add(house.admin_secret())
                    house.admin_file.unlink()
                keeper = await house.start()
            for secret, expires_at in made.values():
                is_due = expires_at is not None and house.clock.now >= expires_at
                assert (keeper.find(secret) is None) == is_due
            assert not any(keeper.find(secret) for secret in dead)
            assert any("admin" in held.stored.scopes and held.stored.expires_at is None for held in keeper.list())
            file_secret = read_admin_token(house.directory)
            assert file_secret is None or keeper.find(file_secret) is not None
    finally:
        house.stop()
