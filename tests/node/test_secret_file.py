"""Identity and admin token: made once, whole or not at all, and for their owner alone."""

import errno
import os
from pathlib import Path

import pytest

from node.secret_file import (
    ADMIN_TOKEN_FILE_NAME,
    IDENTITY_FILE_NAME,
    SECRET_SIZE_MAX,
    drop_aside,
    make_admin_token,
    open_identity,
    put_back,
    read_admin_token,
    read_secret,
    set_aside,
    write_secret,
)
from node.store_error import StoreError

NOW_MS = 1_700_000_000_000


def test_identity_is_made_once(tmp_path: Path) -> None:
    """The first start makes it, each later one reads the same, and the file is 0600."""
    first = open_identity(tmp_path, NOW_MS, os.urandom)
    again = open_identity(tmp_path, NOW_MS + 5, os.urandom)
    assert (first.id, first.public_key) == (again.id, again.public_key)
    assert (tmp_path / IDENTITY_FILE_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", [0, 1, 30, 55])
def test_identity_that_is_damaged_is_never_replaced(cut: int, tmp_path: Path) -> None:
    """A short or changed file is refused and stays: a new identity would be another member."""
    open_identity(tmp_path, NOW_MS, os.urandom)
    path = tmp_path / IDENTITY_FILE_NAME
    for damaged in (path.read_bytes()[:cut], bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"identity\.key: .*put a copy back"):
            open_identity(tmp_path, NOW_MS, os.urandom)
        assert path.read_bytes() == damaged


def test_admin_token_is_made_and_mended_by_hand(tmp_path: Path) -> None:
    """64 letters, read as they were written; an operator's own token is taken, rubbish is refused."""
    assert read_admin_token(tmp_path) is None
    token = make_admin_token(tmp_path, os.urandom)
    assert len(token) == 64
    assert read_admin_token(tmp_path) == token
    path = tmp_path / ADMIN_TOKEN_FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    for own in ("A1" * 20, "shoal-" + "a_B-" * 11):
        path.write_text(own + "\n")
        assert read_admin_token(tmp_path) == own
    for rubbish in (b"", b"short", b"\xff" * 64, b"has spaces " * 8, b"A" * 40 + b"\n" + b"B" * 40):
        path.write_bytes(rubbish)
        with pytest.raises(StoreError, match="holds no token"):
            read_admin_token(tmp_path)


def test_secret_set_aside_can_be_put_back_or_dropped(tmp_path: Path) -> None:
    """It is out of its place until it is put back; dropped, it is gone, and neither is an error without it."""
    path = tmp_path / "secret"
    assert set_aside(path) is False
    write_secret(path, b"x")
    assert set_aside(path) is True
    assert read_secret(path) is None
    put_back(path)
    assert read_secret(path) == b"x"
    set_aside(path)
    drop_aside(path)
    put_back(path)
    drop_aside(path)
    assert list(tmp_path.iterdir()) == []


def test_secret_that_cannot_be_set_aside_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that does not take the change is a sentence, and the file is where it was."""
    path = tmp_path / "secret"
    write_secret(path, b"x")

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StoreError, match="cannot be removed"):
        set_aside(path)
    assert read_secret(path) == b"x"


def test_secret_open_to_others_is_refused(tmp_path: Path) -> None:
    """A secret that others can read is none."""
    path = tmp_path / "secret"
    write_secret(path, b"x")
    path.chmod(0o640)
    with pytest.raises(StoreError, match=f"chmod 600 {path}"):
        read_secret(path)


def test_secret_write_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is a sentence; the old content stays, and no draft is left behind."""
    path = tmp_path / "secret"
    write_secret(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="the disk is full"):
        write_secret(path, b"new")
    assert read_secret(path) == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_secret_draft_of_a_crash_is_in_nobodys_way(tmp_path: Path) -> None:
    """A draft left by a kill -9 is replaced by the next write, and never read."""
    path = tmp_path / "secret"
    (tmp_path / "secret.new").write_bytes(b"half")
    assert read_secret(path) is None
    write_secret(path, b"whole")
    assert read_secret(path) == b"whole"


def test_secret_that_is_something_else_is_refused(tmp_path: Path) -> None:
    """Too large, or a directory: a sentence."""
    path = tmp_path / "secret"
    write_secret(path, b"x" * (SECRET_SIZE_MAX + 1))
    with pytest.raises(StoreError, match="larger than 4096 bytes"):
        read_secret(path)
    with pytest.raises(StoreError, match="cannot be read"):
        read_secret(tmp_path)
