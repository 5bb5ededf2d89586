"""What every route of catalog and health takes behind the question mark."""

from dataclasses import dataclass, field, replace
from typing import Final

from api.catalog_view import CatalogNode, CatalogView
from api.consul.filter import Filter, keep_all, read_filter
from api.consul.filter_schema import Schema
from api.consul.wording import CONFLICTING, NO_PATH, failed
from api.duration import SECOND, parse_duration
from api.query import Query, current_query, parse_index
from protocol.error import InvalidRequest

WAIT_DEFAULT_S: Final = 300.0
WAIT_MAX_S: Final = 600.0

NEAR_ONESELF: Final = "_agent"


@dataclass(frozen=True, slots=True)
class Options:
    """Which part of the catalog, in which order, and from which index on."""

    query: Query
    datacenter: str
    index: int = 0
    """0: now; else once the answer's index is above it."""
    wait_s: float = WAIT_DEFAULT_S
    near: str = ""
    """A node's name, or `_agent`; empty: by name."""
    node_meta: tuple[tuple[str, str], ...] = ()
    filter_text: str = ""
    keep: Filter = field(default=keep_all, compare=False)
    is_pretty: bool = False

    def wants(self, node: CatalogNode) -> bool:
        """Tell whether a node is of the data centre and carries all the metadata asked for."""
        return node.datacenter == self.datacenter and all(node.meta.get(key) == value for key, value in self.node_meta)


def read_options(catalog: CatalogView, schema: Schema | None = None, query: Query | None = None) -> Options:
    """Read them from a query, or from the request in hand.

    Without a schema the route takes no filter, and one that is given is ignored.

    Raises:
        InvalidRequest: an index or a wait that is none, or contradictory consistency.
        Problem: 500, a data centre that nobody knows, or a filter that cannot be read.
    """
    options = read_block_options(catalog, query)
    query = options.query
    filter_text = "" if schema is None else query.first("filter") or ""
    return replace(
        options,
        near=query.first("near") or "",
        node_meta=tuple(_read_pair(text) for text in query.every("node-meta")),
        filter_text=filter_text,
        keep=keep_all if schema is None else read_filter(filter_text, schema),
    )


def read_block_options(catalog: CatalogView, query: Query | None = None) -> Options:
    """Read those that every list of a Consul takes which waits, also one that neither chooses nor sorts.

    Raises:
        InvalidRequest: an index or a wait that is none, or contradictory consistency.
        Problem: 500, a data centre that nobody knows.
    """
    query = current_query() if query is None else query
    index, wait_s = _read_index(query), read_wait_s(query)
    if query.first("stale") is not None and query.first("consistent") is not None:
        raise InvalidRequest(CONFLICTING)
    datacenter = read_datacenter(catalog, query)
    return Options(query=query, datacenter=datacenter, index=index, wait_s=wait_s, is_pretty=is_pretty(query))


def read_datacenter(catalog: CatalogView, query: Query) -> str:
    """Read which data centre is asked, this node's own if none is named.

    Raises:
        Problem: 500, no node is in it.
    """
    wanted = query.first("dc") or catalog.datacenter
    if wanted != catalog.datacenter and wanted not in catalog.datacenters():
        raise failed(NO_PATH)
    return wanted


def is_pretty(query: Query | None = None) -> bool:
    """Tell whether indented JSON is wanted: `pretty` is there, with whatever value.

    Unless given, the query is that of the request in hand.
    """
    return (current_query() if query is None else query).first("pretty") is not None


def current_filter(schema: Schema) -> Filter:
    """Read the filter of the request in hand.

    Raises:
        Problem: as `read_filter`.
    """
    return read_filter(current_query().first("filter") or "", schema)


def _read_index(query: Query) -> int:
    try:
        return parse_index(query.first("index") or "0")
    except ValueError:
        raise InvalidRequest("Invalid index") from None


def read_wait_s(query: Query) -> float:
    """Read for how long an answer may wait for news.

    Raises:
        InvalidRequest: it is no duration.
    """
    text = query.first("wait")
    if not text:
        return WAIT_DEFAULT_S
    try:
        wait_s = parse_duration(text) / SECOND
    except ValueError:
        raise InvalidRequest("Invalid wait time") from None
    return min(wait_s, WAIT_MAX_S) if wait_s > 0 else WAIT_DEFAULT_S


def _read_pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition(":")
    return key, value
