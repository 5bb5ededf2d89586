"""What a Consul stores and a node here does not: keys, sessions, events, prepared queries, intentions, configuration.

Whoever reads is answered as by a Consul that holds nothing of the kind, and waits as there: fabio, consul-template and
`consul watch` ask for keys for ever, and would ask at once again. Nothing is ever there, so the index is always 1.
Whoever writes is told in one sentence what there is instead.
"""

from typing import Any, Final
from uuid import UUID

from quart import Response
from quart_trio import QuartTrio

from api.answer import ECHO_LENGTH_MAX, Problem
from api.consul.directory import Directory
from api.consul.filter_schema import INTENTION
from api.consul.listing import Absent, Lister, Listing
from api.consul.option import Options, read_block_options, read_options
from api.consul.route import GET, PUT, Row, add_routes, check_readable
from api.consul.wording import NODE_NAME_MISSING, failed, one_line, quote
from api.view import NodeView
from protocol.error import InvalidRequest

DELETE: Final = ("DELETE",)
POST: Final = ("POST",)
PUT_DELETE: Final = ("PUT", "DELETE")

KEY_MISSING: Final = "Missing key name"
SESSION_MISSING: Final = "Missing session"
QUERY_UNKNOWN: Final = "Query not found"
UUID_LENGTH: Final = 36

CONFIG_KINDS: Final = frozenset(
    {
        *("service-defaults", "proxy-defaults", "service-router", "service-splitter", "service-resolver"),
        *("ingress-gateway", "terminating-gateway"),
    }
)
"""Of Consul 1.8."""

REFUSALS: Final[tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...]] = (
    (
        ("/v1/kv/<rest:key>",),
        PUT_DELETE,
        "there is no key-value store here: what belongs to a service goes into its Meta, with "
        "PUT /v1/agent/service/register, and what belongs to a node into its tags, with PUT /v1/cluster/tags",
    ),
    (
        ("/v1/txn",),
        PUT,
        "there are no transactions here: each service and check is registered at its own node's agent, "
        "with PUT /v1/agent/service/register and /v1/agent/check/register",
    ),
    (
        ("/v1/session/create", "/v1/session/destroy/<rest:id>", "/v1/session/renew/<rest:id>"),
        PUT,
        "there are no sessions or locks here: a check with a TTL, registered with PUT /v1/agent/check/register, "
        "shows whether its owner lives",
    ),
    (
        ("/v1/event/fire/<rest:name>",),
        PUT,
        "there are no user events here: GET /v1/cluster/events streams what happens to members, "
        "and blocking queries what happens to services",
    ),
    (
        ("/v1/query",),
        POST,
        "there are no prepared queries here: GET /v1/health/service/<name>?passing&near=_agent lists what is well, "
        "the nearest first",
    ),
    (
        ("/v1/query/<rest:id>",),
        PUT_DELETE,
        "there are no prepared queries here: GET /v1/health/service/<name>?passing&near=_agent lists what is well, "
        "the nearest first",
    ),
    (
        ("/v1/config",),
        PUT,
        "there is no central configuration here, nor a service mesh: a service carries its own Meta and Weights, "
        "with PUT /v1/agent/service/register",
    ),
    (
        ("/v1/config/<rest:entry>",),
        DELETE,
        "there is no central configuration here, so there is nothing to delete",
    ),
    (
        ("/v1/connect/intentions",),
        POST,
        "there is no service mesh here, and so no intentions: nothing would heed them",
    ),
)
"""What is refused: the routes, their methods, and the sentence."""


def add_vacancy_routes(app: QuartTrio, view: NodeView, lister: Lister) -> None:
    """Add the reads, each as of an empty store, and refuse the writes."""
    vacancy = VacancyRoutes(view, lister)
    add_routes(
        app,
        (
            ("/v1/kv/<rest:key>", GET, vacancy.key),
            ("/v1/event/list", GET, vacancy.nothing),
            ("/v1/session/list", GET, vacancy.nothing),
            ("/v1/session/node/<rest:node>", GET, vacancy.sessions_of_node),
            ("/v1/session/info/<rest:id>", GET, vacancy.session),
            ("/v1/query", GET, vacancy.nothing),
            ("/v1/query/<rest:id>", GET, vacancy.query),
            ("/v1/config/<rest:entry>", GET, vacancy.config_entry),
            ("/v1/connect/intentions", GET, vacancy.intentions),
        ),
    )
    rows: list[Row] = []
    for number, (rules, methods, sentence) in enumerate(REFUSALS):
        refuse = _refusal(f"refuse {number}", sentence)
        rows += [(rule, methods, refuse) for rule in rules]
    add_routes(app, rows)


class VacancyRoutes:
    """Handlers over one node."""

    def __init__(self, view: NodeView, lister: Lister) -> None:
        self._view = view
        self._lister = lister

    async def key(self, key: str) -> Response:
        """Find no key: 404 without a word; of the root of all keys, an empty list of their names."""
        options = read_block_options(self._view.catalog)
        check_readable(key)
        lists_keys = options.query.first("keys") is not None
        if not key and not lists_keys and options.query.first("recurse") is None:
            raise InvalidRequest(KEY_MISSING)
        return await self._answer(Absent() if key or not lists_keys else [], options)

    async def nothing(self) -> Response:
        """List nothing."""
        return await self._answer([], read_block_options(self._view.catalog))

    async def intentions(self) -> Response:
        """List nothing; the filter is read all the same."""
        return await self._answer([], read_options(self._view.catalog, INTENTION))

    async def sessions_of_node(self, node: str) -> Response:
        """List no session of a node."""
        options = read_block_options(self._view.catalog)
        if not check_readable(node):
            raise InvalidRequest(NODE_NAME_MISSING)
        return await self._answer([], options)

    async def session(self, id: str) -> Response:
        """List no session of an id."""
        options = read_block_options(self._view.catalog)
        if not check_readable(id):
            raise InvalidRequest(SESSION_MISSING)
        _check_uuid(id, "failed session lookup")
        return await self._answer([], options)

    async def query(self, id: str) -> Response:
        """Find no query, to show, to explain or to execute: 404 at once, as a Consul has it."""
        read_block_options(self._view.catalog)
        name, slash, verb = check_readable(id).rpartition("/")
        if not (name and slash and verb in ("execute", "explain")):
            _check_uuid(id, "failed prepared query lookup")
        # clients read the index of every 404, and one without it is an exception to them
        raise Problem(404, "NOT_FOUND", QUERY_UNKNOWN, {"X-Consul-Index": "1"})

    async def config_entry(self, entry: str) -> Response:
        """List no entry of a kind, or find none of a name."""
        options = read_block_options(self._view.catalog)
        kind, slash, name = check_readable(entry).partition("/")
        if kind and kind not in CONFIG_KINDS:
            raise failed(f"invalid config entry kind: {one_line(kind[:ECHO_LENGTH_MAX])}")
        absent = Absent(f"Config entry not found for {quote(kind)} / {quote(name)}")
        return await self._answer(absent if slash else [], options)

    async def _answer(self, nothing: list[Any] | Absent, options: Options) -> Response:
        def build(directory: Directory) -> list[Any] | Absent:
            del directory
            return nothing

        listing = Listing(None, (), (), build, nothing)
        return await self._lister.answer(listing, options)


def _check_uuid(text: str, failure: str) -> None:
    """Refuse what is no UUID in a Consul's words, which are those of its database.

    Raises:
        Problem: 500, it is none.
    """
    if len(text) != UUID_LENGTH:
        raise failed(f"{failure}: index error: UUID must be {UUID_LENGTH} characters")
    try:
        UUID(text)
    except ValueError:
        raise failed(f"{failure}: index error: Invalid UUID") from None


def _refusal(name: str, sentence: str) -> Any:
    async def refuse(**_parts: str) -> Response:
        raise InvalidRequest(sentence)

    refuse.__name__ = name
    return refuse
