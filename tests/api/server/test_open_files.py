"""How many connections the limit of open files allows."""

import resource

import pytest

from api.server.open_files import FILES_ELSEWHERE, connection_room

INFINITY = resource.RLIM_INFINITY


class FakeLimit:
    """The limit of open files; what is set is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, refuses: bool = False) -> None:
        self.limit = (soft, hard)
        self._refuses = refuses
        monkeypatch.setattr(resource, "getrlimit", lambda _: self.limit)
        monkeypatch.setattr(resource, "setrlimit", self._set)

    def _set(self, which: int, limit: tuple[int, int]) -> None:
        assert which == resource.RLIMIT_NOFILE
        if self._refuses:
            raise ValueError("no")
        self.limit = limit


@pytest.mark.parametrize(
    ("soft", "hard", "room", "soft_after"),
    [
        (1_024, 524_288, 2_560, 2_560 + FILES_ELSEWHERE),
        (1_024, INFINITY, 2_560, 2_560 + FILES_ELSEWHERE),
        (20_000, 20_000, 2_560, 20_000),
        (INFINITY, INFINITY, 2_560, INFINITY),
        (1_024, 2_048, 2_048 - FILES_ELSEWHERE, 2_048),
        (1_024, 1_024, 256, 1_024),
        (256, 256, 256, 256),
    ],
)
def test_room_raises_the_limit(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, room: int, soft_after: int
) -> None:
    """The process's own limit is raised as far as is needed and allowed, and what it leaves counts."""
    limit = FakeLimit(monkeypatch, soft, hard)
    assert connection_room(2_560, 512) == room
    assert limit.limit == (soft_after, hard)


def test_room_within_any_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that asks for no more than fits everywhere changes nothing."""
    limit = FakeLimit(monkeypatch, 1_024, 4_096)
    assert connection_room(512, 512) == 512
    assert limit.limit == (1_024, 4_096)


def test_room_where_the_system_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that cannot be raised counts as it is."""
    FakeLimit(monkeypatch, 1_024, INFINITY, refuses=True)
    assert connection_room(2_560, 512) == 1_024 - FILES_ELSEWHERE
