"""Tokens amid kill -9, full disks and clients that go away: whole, or not there at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from node import token_keeper
from node.secret_file import ADMIN_TOKEN_FILE_NAME
from node.store import Store
from node.store_error import StoreError
from node.token_keeper import ADMIN_TOKEN_NAME
from tests.node.token_house import House, refuse_commit


@pytest.fixture
def house(tmp_path: Path) -> Any:
    """Give a data directory."""
    house = House(tmp_path / "d")
    yield house
    house.stop()


class Killed(BaseException):
    """Stands for kill -9: nothing after it is done."""


STEPS = ("set_aside", "delete_token", "drop_aside")


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_kill_amid_a_revocation_of_the_admin_token(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str, is_before: bool
) -> None:
    """Wherever it is killed, a start leads out of it: the token is whole (file and row), or gone for good."""
    keeper = await house.start()
    admin_secret = house.admin_secret()
    other, _ = await keeper.create("other", ["admin"], None)
    admin = next(held for held in keeper.list() if held.stored.name == ADMIN_TOKEN_NAME)
    if step == "delete_token":
        real_delete = Store.delete_token

        async def die_at_delete(store: Store, hash: bytes) -> None:
            if not is_before:
                await real_delete(store, hash)
            raise Killed

        monkeypatch.setattr(Store, step, die_at_delete)
    else:
        real: Callable[[Path], object] = getattr(token_keeper, step)

        def die(path: Path) -> None:
            if not is_before:
                real(path)
            raise Killed

        monkeypatch.setattr(token_keeper, step, die)
    with pytest.raises(Killed):
        await keeper.revoke(admin.id)
    monkeypatch.undo()

    for _ in range(2):
        keeper = await house.start()
        assert keeper.find(other) is not None
        is_whole = step == "set_aside" and is_before
        assert (keeper.find(admin_secret) is not None) == is_whole
        assert house.admin_file.exists() == is_whole
        assert {file.name for file in house.directory.iterdir() if "admin" in file.name} == (
            {ADMIN_TOKEN_FILE_NAME} if is_whole else set()
        )


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("step", ["make_admin_token", "save_token", "delete_token"])
@pytest.mark.parametrize("cause", ["first start", "file gone", "file changed"])
async def test_kill_amid_a_start(
    house: House, monkeypatch: pytest.MonkeyPatch, cause: str, step: str, is_before: bool
) -> None:
    """Whatever a start was about, and wherever it is killed, the next one has an admin token in file and table."""
    gone = ""
    if cause != "first start":
        await house.start()
        gone = house.admin_secret()
        house.stop()
    if cause == "file gone":
        house.admin_file.unlink()
    elif cause == "file changed":
        house.admin_file.write_text("C" * 40)

    if step == "make_admin_token":
        real_make: Callable[..., str] = getattr(token_keeper, step)

        def die_making(*arguments: Any) -> str:
            if not is_before:
                real_make(*arguments)
            raise Killed

        monkeypatch.setattr(token_keeper, step, die_making)
    else:
        real = getattr(Store, step)

        async def die(*arguments: Any) -> None:
            if not is_before:
                await real(*arguments)
            raise Killed

        monkeypatch.setattr(Store, step, die)
    try:
        await house.start()
    except Killed:
        pass
    monkeypatch.undo()

    keeper = await house.start()
    assert keeper.find(house.admin_secret()) is not None
    assert [held.stored.name for held in keeper.list()] == [ADMIN_TOKEN_NAME]
    assert gone == "" or keeper.find(gone) is None


async def test_token_the_disk_refuses_is_not_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A create that is not on the disk is in no memory either, and its secret was given to nobody."""
    keeper = await house.start()
    with monkeypatch.context() as broken:
        broken.setattr(Store, "_commit", refuse_commit)
        with pytest.raises(StoreError, match="the disk is full"):
            await keeper.create("ci", ["admin"], None)
    assert [held.stored.name for held in keeper.list()] == [ADMIN_TOKEN_NAME]
    assert len((await house.start()).list()) == 1


async def test_revocation_the_disk_refuses_changes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token works on, here and after a restart; so does the admin's, whose file is back in its place."""
    keeper = await house.start()
    admin_secret = house.admin_secret()
    other, _ = await keeper.create("other", ["admin"], None)
    with monkeypatch.context() as broken:
        broken.setattr(Store, "_commit", refuse_commit)
        for held in keeper.list():
            with pytest.raises(StoreError, match="the disk is full"):
                await keeper.revoke(held.id)
    for again in (keeper, await house.start()):
        assert again.find(admin_secret) is not None
        assert again.find(other) is not None
        assert house.admin_secret() == admin_secret
        assert len(again.list()) == 2


@pytest.mark.parametrize("call", ["create", "revoke"])
async def test_change_of_a_client_that_went_away_is_whole(
    house: House, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Cancelled amid the write, memory and disk still say the same."""
    keeper = await house.start()
    secret, made = await keeper.create("one", ["node:read"], None)
    begun, proceed = trio.Event(), trio.Event()
    real = Store._save

    async def slow(store: Store, *statements: Any) -> None:
        begun.set()
        await proceed.wait()
        await real(store, *statements)

    monkeypatch.setattr(Store, "_save", slow)
    async with trio.open_nursery() as nursery:
        if call == "create":
            nursery.start_soon(keeper.create, "two", ["node:read"], None)
        else:
            nursery.start_soon(keeper.revoke, made.id)
        await begun.wait()
        nursery.cancel_scope.cancel()
        proceed.set()
    assert [held.stored.hash for held in keeper.list()] == [row.hash for row in house.rows()]
    assert len(house.rows()) == (3 if call == "create" else 1)
    assert (keeper.find(secret) is None) == (call == "revoke")
