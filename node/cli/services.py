"""The command that shows the services of the cluster: services."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import sleep
from typing import Any, TypeVar

import click
import msgspec

from node.cli import output
from node.cli.link import Link, agent_command
from node.cli.service_screen import Headings, Page, Row, open_screen, print_page
from node.http_client import ClientError, UnreachableError, segment
from protocol.escape import escape

SERVICES_PATH = "/v1/cluster/services"
WAIT_S = 30
"""How long an agent is asked to hold its answer back while nothing changes."""
WATCH_TIMEOUT_S = 45.0
"""An answer that is held back may come a sixteenth of the wait later, and be a long one."""
CHANGE_PAUSE_S = 0.25
"""Between two looks at what keeps changing: a person reads no faster."""
QUIET_PAUSE_S = 1.0
"""After an answer without news."""
RETRY_PAUSE_MAX_S = 10.0
OUTPUT_LENGTH_MAX = 160
"""Of a check's output on the line of its instance; --json has all of it."""

SERVICE_HEADINGS: Headings = ("Service", "Instances", "Passing", "Warning", "Critical", "Tags")
INSTANCE_HEADINGS: Headings = ("Node", "Address", "Id", "Tags", "Status", "Output")

Answer = TypeVar("Answer", bound=msgspec.Struct)


class ServiceItem(msgspec.Struct, frozen=True):
    """One service as the agent gives it."""

    name: str
    tags: list[str]
    instances: int
    passing: int
    warning: int
    critical: int


class CheckItem(msgspec.Struct, frozen=True):
    """One check of an instance; what is not shown is not read."""

    id: str
    status: str
    output: str = ""


class InstanceItem(msgspec.Struct, frozen=True):
    """One instance as the agent gives it."""

    node: str
    node_id: str
    address: str
    port: int
    id: str
    tags: list[str]
    status: str
    checks: list[CheckItem]


class ServiceList(msgspec.Struct, frozen=True):
    """The answer of /v1/cluster/services."""

    index: int
    services: list[ServiceItem]


class InstanceList(msgspec.Struct, frozen=True):
    """The answer of /v1/cluster/services/NAME."""

    index: int
    instances: list[InstanceItem]


@dataclass(frozen=True, slots=True)
class Question:
    """What the agent is asked, and how its answer is read."""

    path: str
    params: tuple[tuple[str, str], ...]
    read: Callable[[Any], Page]


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--tag", "tags", metavar="T", multiple=True, help="With this tag; repeat for those that have all.")
@click.option("--passing", is_flag=True, help="Only instances that pass; without NAME, services that have one.")
@click.option("--watch", is_flag=True, help="Stay, and show what changes until Ctrl-C.")
@agent_command
def services(link: Link, name: str | None, tags: tuple[str, ...], passing: bool, watch: bool) -> None:
    """List the services of the cluster as the agent knows them, or the instances of the service NAME.

    An instance is as well as the worst of its own checks and its node's. With --watch a terminal shows one table that
    is drawn again at each change; elsewhere each row that changed is a line, and with --json each new list is one.

    \b
    Examples:
      shoal services
      shoal services web --tag v2 --passing
      shoal services web --watch
      shoal services web --json | jq -r '.[].address'
    """
    if name == "":
        raise click.BadParameter("a service's name is not empty", param_hint="NAME")
    question = _ask_for_all(tags, passing) if name is None else _ask_for_one(name, tags, passing)
    if watch:
        _watch(link, question)
        return
    page = question.read(link.client.get(question.path, question.params))
    if link.as_json:
        output.print_json(page.raws)
    else:
        print_page(page)


def _ask_for_all(tags: Sequence[str], passing: bool) -> Question:
    def read(answer: Any) -> Page:
        listed = _convert(answer, ServiceList)
        kept = [
            (raw, item)
            for raw, item in zip(answer["services"], listed.services, strict=True)
            if set(tags) <= set(item.tags) and (item.passing or not passing)
        ]
        rows = tuple(_service_row(item) for _, item in kept)
        nothing = "no such service is known here" if tags or passing else "no service is known here"
        return Page(listed.index, "services", [raw for raw, _ in kept], SERVICE_HEADINGS, rows, nothing)

    return Question(SERVICES_PATH, (), read)


def _ask_for_one(name: str, tags: Sequence[str], passing: bool) -> Question:
    def read(answer: Any) -> Page:
        listed = _convert(answer, InstanceList)
        rows = tuple(_instance_row(item) for item in listed.instances)
        nothing = f"no {'such ' if tags or passing else ''}instance of {escape(name)} is known here"
        return Page(listed.index, "instances", answer["instances"], INSTANCE_HEADINGS, rows, nothing)

    wanted = tuple(("tag", tag) for tag in tags) + ((("passing", "true"),) if passing else ())
    return Question(f"{SERVICES_PATH}/{segment(name)}", wanted, read)


def _convert(answer: Any, kind: type[Answer]) -> Answer:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise ClientError(f"the answer is not a list of services ({error}): is it an agent?") from None


def _service_row(item: ServiceItem) -> Row:
    counts = [str(item.instances), str(item.passing), str(item.warning), str(item.critical)]
    nouns = ("instance" if item.instances == 1 else "instances", "passing", "warning", "critical")
    words = [f"{count} {noun}" for count, noun in zip(counts, nouns, strict=True)]
    tags = ",".join(item.tags)
    return Row.of(item.name, (item.name, *counts, tags), (item.name, *words, tags))


def _instance_row(item: InstanceItem) -> Row:
    cells = (
        item.node,
        _join_address(item.address, item.port),
        item.id,
        ",".join(item.tags),
        item.status,
        _explain(item),
    )
    return Row.of(f"{item.node_id} {item.id}", cells, cells)


def _join_address(host: str, port: int) -> str:
    """Write where a service listens; port 0 is that of one that told none."""
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _explain(item: InstanceItem) -> str:
    """Tell on one line what the worst check says, and how many others do not pass."""
    failing = [check for check in item.checks if check.status != "passing"]
    if not failing:
        return ""
    worst = next((check for check in failing if check.status == item.status), failing[0])
    text = f"{worst.id}: {' '.join(worst.output.split()) or worst.status}"
    if len(text) > OUTPUT_LENGTH_MAX:
        text = f"{text[:OUTPUT_LENGTH_MAX]}..."
    return text if len(failing) == 1 else f"{text} (and {len(failing) - 1} more)"


def _watch(link: Link, question: Question) -> None:
    """Show each new answer until interrupted, and connect again for ever once there was a first.

    Raises:
        ClientError: no first answer, or one that is none of an agent.
    """
    shown_index: int | None = None
    pause_s = QUIET_PAUSE_S
    screen = open_screen(as_json=link.as_json)
    is_held = False  # the first answer, and the first of an agent that may have been started again, comes at once
    try:
        while True:
            try:
                page = _look(link, question, shown_index if is_held else None)
            except UnreachableError as error:
                if shown_index is None:
                    raise
                screen.say(f"{error}; trying again in {pause_s:g} s")
                sleep(pause_s)
                is_held, pause_s = False, min(2 * pause_s, RETRY_PAUSE_MAX_S)
                continue
            is_news = page.index != shown_index
            if is_news:
                screen.show(page)
            is_held, shown_index, pause_s = True, page.index, QUIET_PAUSE_S
            sleep(CHANGE_PAUSE_S if is_news else QUIET_PAUSE_S)
    finally:
        screen.close()


def _look(link: Link, question: Question, index: int | None) -> Page:
    """Ask once; with an index the agent holds its answer back until there is news after that."""
    if index is None:
        return question.read(link.client.get(question.path, question.params))
    params = (*question.params, ("index", str(index)), ("wait", f"{WAIT_S}s"))
    return question.read(link.client.call("GET", question.path, params, timeout_s=WATCH_TIMEOUT_S).json())
