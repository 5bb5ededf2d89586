"""Services and checks in the node's database: definitions as JSON, so that a later version reads them too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec

from node.check.definition import CheckDefinition
from node.store import Statement, Store
from protocol.catalog.check import CheckStatus
from protocol.catalog.service import Service

NODE = ""
"""In place of a service's id: the node's own maintenance. No service has it."""

Registered = tuple[Literal["services", "checks", "maintenance"], str]
"""A table and an id in it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoredState:
    """What the owner of a TTL check said last."""

    status: CheckStatus
    output: str
    expires_at: float
    """Unix seconds."""


@dataclass(slots=True)
class Edit:
    """What is to change, by id; None: it goes. A check that goes takes its state along."""

    services: dict[str, Service | None] = field(default_factory=dict)
    checks: dict[str, CheckDefinition | None] = field(default_factory=dict)
    states: dict[str, None] = field(default_factory=dict)
    """They only go here: `ServiceStore.save_states` keeps them."""
    maintenance: dict[str, str | None] = field(default_factory=dict)
    """The reason by service id."""
    token_id: str = ""
    """Of the token that what does not go is registered with; empty: none was asked for."""

    def __bool__(self) -> bool:
        return bool(self.services or self.checks or self.states or self.maintenance)


@dataclass(slots=True)
class StoredServices:
    """All that was found."""

    services: dict[str, Service]
    checks: dict[str, CheckDefinition]
    states: dict[str, StoredState]
    maintenance: dict[str, str]
    token_ids: dict[Registered, str]
    """Of the tokens that they were registered with, but for those without one."""
    broken: Edit
    """What cannot be read, to be dropped."""


class ServiceStore:
    """The part of a store that holds services and checks: the same database with its one writer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self) -> StoredServices:
        """Read everything, in order of ids."""
        services, broken_services = self._load_table("services", Service)
        checks, broken_checks = self._load_table("checks", CheckDefinition)
        states, broken_states = {}, []
        for id, status, output, expires_at in self._store._read("SELECT * FROM check_states ORDER BY check_id"):
            try:
                states[id] = StoredState(CheckStatus(status), output, expires_at)
            except ValueError:
                broken_states.append(id)
        maintenance = dict(self._store._read("SELECT service_id, reason FROM maintenance ORDER BY service_id"))
        broken = Edit(dict.fromkeys(broken_services), dict.fromkeys(broken_checks), dict.fromkeys(broken_states))
        return StoredServices(services, checks, states, maintenance, self._load_token_ids(), broken)

    def _load_token_ids(self) -> dict[Registered, str]:
        return {
            (what, id): token_id
            for what, id, token_id in self._store._read(
                "SELECT 'services', id, token_id FROM services WHERE token_id <> '' "
                "UNION ALL SELECT 'checks', id, token_id FROM checks WHERE token_id <> '' "
                "UNION ALL SELECT 'maintenance', service_id, token_id FROM maintenance WHERE token_id <> ''"
            )
        }

    def _load_table(self, table: str, kind: type[T]) -> tuple[dict[str, T], list[str]]:
        found, broken = {}, []
        for id, definition in self._store._read(f"SELECT id, definition FROM {table} ORDER BY id"):
            try:
                read = msgspec.json.decode(definition, type=kind)
            except (msgspec.DecodeError, TypeError):  # TypeError: no bytes
                broken.append(id)
            else:
                found[id] = read
        return found, broken

    async def save(self, edit: Edit) -> None:
        """Have a change on the disk, all or nothing of it.

        Raises:
            StoreError: the disk does not take it; nothing changed.
        """
        await self._store._save(
            *_rows("services", edit.services, edit.token_id),
            *_rows("checks", edit.checks, edit.token_id),
            *(
                ("DELETE FROM check_states WHERE check_id = ?", (id,))
                for id in (*(id for id, one in edit.checks.items() if one is None), *edit.states)
            ),
            *(_maintenance_row(id, reason, edit.token_id) for id, reason in edit.maintenance.items()),
        )

    async def save_states(self, states: Mapping[str, StoredState]) -> None:
        """Keep what owners of TTL checks said last, without an fsync: a kill -9 takes nothing of it, a power cut may.

        Raises:
            StoreError: the disk does not take it; nothing changed.
        """
        query = "INSERT OR REPLACE INTO check_states VALUES (?, ?, ?, ?)"
        await self._store._save_unsynced(
            *((query, (id, state.status.value, state.output, state.expires_at)) for id, state in states.items())
        )


def encode_definition(definition: CheckDefinition) -> bytes:
    """Give a check's definition as it is kept."""
    return msgspec.json.encode(definition)


def _rows(table: str, changes: Mapping[str, Any], token_id: str) -> Sequence[Statement]:
    return [
        (f"DELETE FROM {table} WHERE id = ?", (id,))
        if value is None
        else (f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", (id, msgspec.json.encode(value), token_id))
        for id, value in changes.items()
    ]


def _maintenance_row(id: str, reason: str | None, token_id: str) -> Statement:
    if reason is None:
        return "DELETE FROM maintenance WHERE service_id = ?", (id,)
    return "INSERT OR REPLACE INTO maintenance VALUES (?, ?, ?)", (id, reason, token_id)
