"""The services and checks of this node: registered, run, told to others, and kept on the disk.

What stands is in memory, and on the disk before a call returns (what owners of TTL checks repeat is written behind).
Others are told through `publish` (`node.service_publisher` says when). A change that the disk refuses has not happened.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

import trio

from node.check.definition import CheckDefinition
from node.check.outcome import Outcome, clip_words
from node.check.perform import perform
from node.check.reaper import reap_forever
from node.check.runner import CheckRunner, Perform
from node.check.threshold import Threshold
from node.check.ttl import TtlKeeper
from node.log import log_event
from node.service_naming import check_definition, maintenance_check, maintenance_id, name_checks, name_service
from node.service_publisher import Publish, ServicePublisher
from node.service_room import NOTHING, ServiceRoom, check_need, service_need
from node.store_services import NODE, Edit, Registered, ServiceStore
from protocol.catalog.check import Check, CheckKind, CheckStatus
from protocol.catalog.key import check_key, service_key
from protocol.catalog.service import Service
from protocol.error import InvalidRequest

_log = logging.getLogger("shoal.service")


class NoSuchService(Exception):
    """There is no service of that id here."""


class NotTtl(Exception):
    """There is no check of that id here, or it is no TTL check."""


@dataclass(slots=True)
class HeldCheck:
    """A check of this node."""

    check: Check
    definition: CheckDefinition | None
    """None: it is set, and not run (maintenance)."""
    critical_since: float | None
    """Seconds of Trio's clock; None: it is not critical."""
    last_words: str = ""
    """Of a TTL check's owner, since it was registered."""
    threshold: Threshold | None = None
    """How many runs in a row change it; None: it is not run, or its owner's word alone counts (TTL)."""


class ServiceKeeper:
    """The services and checks of this node. Made by `node.service_restore.open_services`.

    Raises, wherever something is changed:
        StoreError: the disk does not take it; nothing changed.
    """

    def __init__(
        self,
        store: ServiceStore,
        rng: Random,
        *,
        scripts_enabled: bool,
        unix_time: Callable[[], float] = time.time,
        perform: Perform = perform,
    ) -> None:
        self.scripts_enabled = scripts_enabled
        self.on_change: Callable[[bytes], None] = _wake_nobody
        """Told the key (`protocol.catalog.key`) of whatever changed, outputs too, once it has."""
        self._store = store
        self._services: dict[str, Service] = {}
        self._checks: dict[str, HeldCheck] = {}
        self._token_ids: dict[Registered, str] = {}
        """What of it differs is to be written, also where a registration is else the same."""
        self._room = ServiceRoom()
        self._publisher = ServicePublisher()
        self._ttl = TtlKeeper(store, self._expire, unix_time)
        self._runner = CheckRunner(self._take_outcome, rng, perform)
        self._turn = trio.Lock()

    # --- asking ---------------------------------------------------------------------------------

    @property
    def publish(self) -> Publish:
        """Who tells others; does nothing until it is set. `run` begins with telling it of everything that stands."""
        return self._publisher.publish

    @publish.setter
    def publish(self, publish: Publish) -> None:
        self._publisher.publish = publish

    def publish_all(self) -> None:
        """Tell others of everything that stands, whether they were told or not."""
        self._publisher.publish_all()

    def services(self) -> Mapping[str, Service]:
        """Give the services by id, in the order they were registered."""
        return dict(self._services)

    def service(self, id: str) -> Service | None:
        """Give one service; None: there is none."""
        return self._services.get(id)

    def checks(self) -> Mapping[str, Check]:
        """Give the checks by id with their outputs in full, maintenance among them."""
        return {id: held.check for id, held in self._checks.items()}

    def check(self, id: str) -> Check | None:
        """Give one check with its output in full; None: there is none."""
        held = self._checks.get(id)
        return None if held is None else held.check

    # --- registering ----------------------------------------------------------------------------

    async def register_service(
        self,
        service: Service,
        checks: Sequence[CheckDefinition] = (),
        *,
        replace_checks: bool = False,
        token_id: str = "",
    ) -> None:
        """Register a service with its checks, or replace it; checks of the same id keep status and output.

        With `replace_checks` its checks that are not named any more go; its maintenance stays. `token_id` is the id of
        the token that it is registered with, empty where none was asked for: kept beside it, and told to nobody.

        Raises:
            InvalidRequest: out of bounds, or a program is to be run and scripts are not enabled.
        """
        wanted = name_service(service)
        named = name_checks(wanted, checks)
        self.check_scripts(named)
        async with self._turn:
            kept = {definition.id for definition in named}
            gone = [
                held.check.id
                for held in self._checks_of(wanted.id)
                if replace_checks and held.definition is not None and held.check.id not in kept
            ]
            await self._put(wanted, named, gone, token_id)

    async def register_check(self, definition: CheckDefinition, *, token_id: str = "") -> None:
        """Register a check of a service or of the node, or replace it; it keeps status and output.

        Raises:
            NoSuchService: its service_id names none.
            InvalidRequest: as `register_service`.
        """
        named = check_definition(replace(definition, notes=clip_words(definition.notes)))
        self.check_scripts([named])
        async with self._turn:
            if named.service_id and named.service_id not in self._services:
                raise NoSuchService(named.service_id)
            await self._put(None, [named], (), token_id)

    async def deregister_service(self, service_id: str) -> bool:
        """Remove a service with all its checks; False: there is none."""
        async with self._turn:
            if service_id not in self._services:
                return False
            await self._drop([service_id], [held.check.id for held in self._checks_of(service_id)])
        return True

    async def deregister_check(self, check_id: str) -> bool:
        """Remove a check, also a maintenance; False: there is none."""
        async with self._turn:
            if check_id not in self._checks:
                return False
            await self._drop((), [check_id])
        return True

    async def set_maintenance(self, service_id: str | None, *, enabled: bool, reason: str, token_id: str = "") -> None:
        """Put a service, or with None the node, into maintenance or out of it; a second enable keeps the first reason.

        Of the reason 4,096 bytes are kept.

        Raises:
            NoSuchService: as it says.
            InvalidRequest: there are too many checks.
        """
        async with self._turn:
            if service_id is not None and service_id not in self._services:
                raise NoSuchService(service_id)
            id = maintenance_id(service_id)
            if enabled == (id in self._checks):
                return
            if not enabled:
                await self._drop((), [id])
                return
            check = maintenance_check(service_id, clip_words(reason))
            if service_id is not None:  # the node itself always has room to say that it is not to be used
                self._room.check({check_key(id): check_need(check, None)})
            with trio.CancelScope(shield=True):
                await self._store.save(Edit(maintenance={service_id or NODE: check.notes}, token_id=token_id))
                self.hold_check(check, None)

    async def update_ttl(self, check_id: str, status: CheckStatus, output: str) -> None:
        """Take what a TTL check's owner says, and begin its time anew.

        A status that is news is on the disk (no kill -9 takes it, a power cut may), one that is repeated a second later
        at most. Of the output 4,096 bytes are kept, or as many as the check has as its largest.

        Raises:
            NotTtl: as it says.
            StoreError: the disk does not take it; unlike elsewhere it counts all the same, here and with others.
        """
        await trio.lowlevel.checkpoint()
        held = self._checks.get(check_id)
        if held is None or held.definition is None or held.definition.kind is not CheckKind.TTL:
            raise NotTtl(check_id)
        held.last_words = clip_words(output, held.definition.output_size)
        self._set_state(held, status, held.last_words)
        await self._ttl.take_word(check_id, held.definition.ttl_s, status, held.last_words)

    # --- on the disk, then in memory ------------------------------------------------------------

    async def _put(
        self, service: Service | None, definitions: Sequence[CheckDefinition], gone: Sequence[str], token_id: str
    ) -> None:
        needs = {check_key(one.id): check_need(one.begin(), one) for one in definitions}
        needs |= {check_key(id): NOTHING for id in gone}
        if service is not None:
            needs[service_key(service.id)] = service_need(service)
        self._room.check(needs)
        changed = {
            one.id: one
            for one in definitions
            if self._definition(one.id) != one or self._token_id("checks", one.id) != token_id
        }
        is_new = service is not None and service.id not in self._services
        edit = Edit(
            {service.id: service} if service is not None and not self._is_held(service, token_id) else {},
            {**changed, **dict.fromkeys(gone)},
            {id: None for id, one in changed.items() if not self._is_ttl(id) or one.kind is not CheckKind.TTL},
            token_id=token_id,
        )
        with trio.CancelScope(shield=True):  # else it would be on the disk, and not here
            if edit:
                await self._store.save(edit)
                self.hold_token_ids({("services", id): token_id for id in edit.services})
                self.hold_token_ids({("checks", id): token_id for id in changed})
            for definition in definitions:  # before their service: one without checks would seem to pass
                self._put_check(definition)
            if service is not None:
                self.hold_service(service)
            for id in gone:
                self._forget_check(id)
        if service is not None and is_new:
            log_event(_log, logging.INFO, "service-registered", name=service.name, id=service.id)

    async def _drop(self, services: Sequence[str], checks: Sequence[str]) -> None:
        run = [id for id in checks if self._definition(id) is not None]
        set_ids = [self._checks[id].check.service_id or NODE for id in checks if id not in run]
        edit = Edit(dict.fromkeys(services), dict.fromkeys(run), maintenance=dict.fromkeys(set_ids))
        with trio.CancelScope(shield=True):
            await self._store.save(edit)
            for id in services:
                self._forget_service(id)
            for id in checks:
                self._forget_check(id)

    def check_scripts(self, definitions: Iterable[CheckDefinition]) -> None:
        """Refuse programs where they are not to be run.

        Raises:
            InvalidRequest: one would run, and scripts are not enabled.
        """
        if not self.scripts_enabled and any(definition.runs_programs for definition in definitions):
            raise InvalidRequest("Scripts are disabled on this agent; to enable, configure 'enable_script_checks'")

    def _checks_of(self, service_id: str) -> list[HeldCheck]:
        return [held for held in self._checks.values() if held.check.service_id == service_id]

    def _definition(self, id: str) -> CheckDefinition | None:
        held = self._checks.get(id)
        return None if held is None else held.definition

    def _token_id(self, what: Literal["services", "checks"], id: str) -> str:
        return self._token_ids.get((what, id), "")

    def _is_held(self, service: Service, token_id: str) -> bool:
        return self._services.get(service.id) == service and self._token_id("services", service.id) == token_id

    def _is_ttl(self, id: str) -> bool:
        definition = self._definition(id)
        return definition is not None and definition.kind is CheckKind.TTL

    # --- in memory ------------------------------------------------------------------------------

    def hold_token_ids(self, token_ids: Mapping[Registered, str]) -> None:
        """Know with which tokens, that are on the disk, services and checks were registered."""
        self._token_ids.update(token_ids)

    def hold_service(self, service: Service) -> None:
        """Have a service that is on the disk."""
        self._services[service.id] = service
        self._room.take(service_key(service.id), service_need(service))
        self._publisher.put_service(service)
        self.on_change(service_key(service.id))

    def _put_check(self, definition: CheckDefinition) -> None:
        held = self._checks.get(definition.id)
        check = definition.begin()
        if held is not None:
            check = replace(check, status=held.check.status, output=held.check.output)
        self.hold_check(check, definition)

    def hold_check(self, check: Check, definition: CheckDefinition | None, last_words: str = "") -> None:
        """Have a check that is on the disk, and run it from now on."""
        before = self._checks.get(check.id)
        since = before.critical_since if before is not None else None
        if check.status is not CheckStatus.CRITICAL:
            since = None
        elif since is None:
            since = trio.current_time()
        self._checks[check.id] = HeldCheck(check, definition, since, last_words, _threshold(definition, before))
        self._room.take(check_key(check.id), check_need(check, definition))
        self._run_check(definition, None if before is None else before.definition)
        self._publisher.put_check(check)
        self.on_change(check_key(check.id))

    def _run_check(self, definition: CheckDefinition | None, before: CheckDefinition | None) -> None:
        if definition is None:
            return
        if definition.kind is CheckKind.TTL:
            self._runner.stop(definition.id)
            self._ttl.arm(definition.id, definition.ttl_s)
            return
        self._ttl.disarm(definition.id)
        if before is None or not definition.runs_like(before):  # else who registers again and again is never checked
            self._runner.start(definition)

    def _forget_service(self, id: str) -> None:
        service = self._services.pop(id)
        self._token_ids.pop(("services", id), None)
        self._room.take(service_key(id), NOTHING)
        self._publisher.drop_service(id)
        self.on_change(service_key(id))
        log_event(_log, logging.INFO, "service-deregistered", name=service.name, id=id)

    def _forget_check(self, id: str) -> None:
        del self._checks[id]
        self._token_ids.pop(("checks", id), None)
        self._room.take(check_key(id), NOTHING)
        self._runner.stop(id)
        self._ttl.disarm(id)
        self._publisher.drop_check(id)
        self.on_change(check_key(id))

    # --- running --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run the checks and tell others of what changes, until cancelled; then what owners said is on the disk."""
        self.publish_all()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._runner.run)
                nursery.start_soon(self._ttl.run)
                nursery.start_soon(self._publisher.run)
                nursery.start_soon(reap_forever, self._find_overdue, self.deregister_service)
        finally:
            with trio.CancelScope(shield=True):
                await self._ttl.write_waiting()

    def _take_outcome(self, definition: CheckDefinition, outcome: Outcome) -> None:
        held = self._checks.get(definition.id)
        if held is None or (held.threshold is not None and not held.threshold.admits(outcome.status)):
            return
        self._set_state(held, outcome.status, outcome.output)

    def _expire(self, id: str) -> None:
        held = self._checks[id]
        words = f"TTL expired (last output before timeout follows): {held.last_words}"
        self._set_state(held, CheckStatus.CRITICAL, words if held.last_words else "TTL expired")

    def _set_state(self, held: HeldCheck, status: CheckStatus, output: str) -> None:
        check = held.check
        if (check.status, check.output) == (status, output):
            return
        held.check = replace(check, status=status, output=output)
        if status is not CheckStatus.CRITICAL:
            held.critical_since = None
        elif held.critical_since is None:
            held.critical_since = trio.current_time()
        self._publisher.put_check(held.check)
        self.on_change(check_key(check.id))
        if status is not check.status:
            level = logging.WARNING if status is CheckStatus.CRITICAL else logging.INFO
            log_event(_log, level, f"check-{status.value}", name=check.name, id=check.id, service=check.service_id)

    def _find_overdue(self) -> dict[str, str]:
        now = trio.current_time()
        return {
            held.check.service_id: held.check.id
            for held in self._checks.values()
            if held.definition is not None
            and held.definition.deregister_after_s
            and held.check.service_id
            and held.critical_since is not None
            and now - held.critical_since > held.definition.deregister_after_s
        }


def _threshold(definition: CheckDefinition | None, before: HeldCheck | None) -> Threshold | None:
    """Return where a check stands with its runs in a row: where it stood, if it is run as before."""
    if definition is None or definition.kind is CheckKind.TTL:
        return None
    if before is not None and before.definition is not None and definition.runs_like(before.definition):
        return before.threshold
    return Threshold(definition)


def _wake_nobody(key: bytes) -> None:
    """Stand in where nobody waits for changes."""
