"""Filters: what they keep, and in which words they are refused, as a real Consul does both."""

from collections import defaultdict
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.answer import Problem
from api.consul.filter import FILTER_LENGTH_MAX, keep_all, read_filter
from api.consul.filter_grammar import DEPTH_MAX
from api.consul.filter_schema import CHECK, ENTRY, INSTANCE, INTENTION, MEMBER, NODE, NODE_SERVICE, REGISTRATION, Schema
from protocol.status import Status
from tests.api.asker import Answer, ask_app, ask_consul, make_consul_app
from tests.api.consul.filter_catalog import entries, make_view
from tests.api.consul.filter_table import Row, read_table
from tests.api.consul.test_regexp import HAS_RE2
from tests.api.fake_view import FakeView

PREFIX = "Failed to create boolean expression evaluator: "
SCHEMAS = (NODE, NODE_SERVICE, INSTANCE, CHECK, ENTRY, MEMBER, INTENTION, REGISTRATION)


def _rows_by_route() -> dict[str, list[Row]]:
    rows = defaultdict(list)
    for row in read_table():
        if HAS_RE2 or "matches" not in row[1]:
            rows[row[0]].append(row)
    return rows


ROWS = _rows_by_route()


def _found(answer: Answer) -> list[str] | str:
    return entries(answer.json) if answer.status == 200 else answer.text


@pytest.mark.parametrize("route", ROWS)
async def test_filter_answers_as_a_real_consul(route: str) -> None:
    """Each filter of the table keeps the same entries, or is refused with the same words."""
    app = make_consul_app(await make_view())
    wrong = []
    for _, text, status, found in ROWS[route]:
        answer = await ask_app(app, "GET", f"/v1/{route}?filter={quote(text, safe='')}")
        if (answer.status, _found(answer)) != (status, found):
            wrong.append((text, found, _found(answer)))
    assert wrong == []


def test_filter_table_has_refusals_of_every_route() -> None:
    """The table is there, and has kept entries and refusals of each route."""
    assert sum(map(len, ROWS.values())) > 300
    for route, rows in ROWS.items():
        assert {status for _, _, status, _ in rows} == {200, 500}, route


@pytest.mark.parametrize("schema", SCHEMAS)
def test_filter_that_is_empty_keeps_all(schema: Schema) -> None:
    """No filter is `keep_all` itself, so that whoever has kept an answer need not look."""
    assert read_filter("", schema) is keep_all


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "Node == " + "x" * FILTER_LENGTH_MAX,
            f"it has {FILTER_LENGTH_MAX + 8} characters, at most {FILTER_LENGTH_MAX}",
        ),
        ("(" * (DEPTH_MAX + 1) + "Node == x", f"it has brackets more than {DEPTH_MAX} deep"),
        ("Node == x or " + "(" * (DEPTH_MAX + 1), f"it has brackets more than {DEPTH_MAX} deep"),
    ],
)
def test_filter_out_of_bounds_is_refused(text: str, sentence: str) -> None:
    """Too long, or too deep: one sentence with the bound."""
    with pytest.raises(Problem) as refused:
        read_filter(text, NODE)
    assert (refused.value.status, refused.value.sentence) == (500, PREFIX + sentence)


@pytest.mark.parametrize(
    "text",
    [
        "(" * DEPTH_MAX + "Node == n1" + ")" * DEPTH_MAX,
        "not " * 252 + "Node == n1",
        " or ".join(["Node == n1"] * 70),
        " and ".join(["Node == n1"] * 60),
    ],
)
def test_filter_within_bounds_is_read_at_once(text: str) -> None:
    """What takes a real Consul hours, or many calls on the stack, is read in one pass."""
    assert read_filter(text, NODE)({"Node": "n1"}) is True


_PIECES = (
    *("Service", "Tags", "Node", "Meta", "Checks", "Port", "web", "==", "!=", "in", "not", "is", "empty", "contains"),
    *(
        "matches",
        "and",
        "or",
        "(",
        ")",
        ".",
        "[",
        "]",
        '"a"',
        "`",
        '"',
        " ",
        "\n",
        "80",
        "-1",
        "0x",
        "true",
        "\\",
        "\u00e9",
    ),
)


@given(
    st.one_of(st.lists(st.sampled_from(_PIECES), max_size=24).map(" ".join), st.text(max_size=60)),
    st.sampled_from(SCHEMAS),
)
def test_filter_is_read_or_refused(text: str, schema: Schema) -> None:
    """Any text is a filter that answers, or a 500 of one line; entries that show nothing are filtered too."""
    try:
        kept = read_filter(text, schema)
    except Problem as refused:
        assert refused.status == 500
        assert refused.sentence.startswith(PREFIX)
        assert "\n" not in refused.sentence
    else:
        assert kept({}) in (True, False)


ENTRIES: tuple[dict[str, Any], ...] = (
    {
        "Node": {"Node": "n1", "Meta": {"rack": "r1"}},
        "Service": {"Service": "web", "Port": 80, "Tags": ("v1", "v2"), "EnableTagOverride": True},
        "Checks": [{"Status": "passing", "Name": "a"}, {"Status": "critical", "ServiceTags": ("v1",)}],
    },
    {"Node": {"Node": "n2"}, "Service": {"Service": "db", "Port": 0}, "Checks": [{"Status": "passing"}]},
    {"Node": {"Node": "n3"}, "Service": {"Service": "", "Tags": ["v2"]}, "Checks": []},
    {},
)
_matches = st.sampled_from(
    [
        *("Node.Node == n1", "Node.Meta.rack != r1", "rack in Node.Meta", "Service.Port == 80", "v1 in Service.Tags"),
        *("Service.Tags is empty", "Service.EnableTagOverride == f", "Service.Service contains e", "Checks is empty"),
        *("Checks.Status == critical", "Checks.Status != passing", "Checks.Name == a", "v1 not in Checks.ServiceTags"),
    ]
)
_expressions = st.recursive(
    _matches,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        inner.map("({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: "({} {} {})".format(*parts)),
    ),
    max_leaves=6,
)


def _kept(text: str) -> list[bool]:
    keep = read_filter(text, ENTRY)
    return [keep(entry) for entry in ENTRIES]


@given(_expressions, _expressions)
def test_filter_follows_the_laws_of_logic(first: str, second: str) -> None:
    """Not, and, or are those of logic, whatever they join; brackets change nothing."""
    ones, others = _kept(first), _kept(second)
    assert _kept(f"not {first}" if first[0] == "(" else f"not ({first})") == [not one for one in ones]
    assert _kept(f"( {first} )") == ones
    assert _kept(f"{first} and {second}") == [one and other for one, other in zip(ones, others, strict=True)]
    assert _kept(f"{first} or {second}") == [one or other for one, other in zip(ones, others, strict=True)]


@given(
    st.sampled_from(["Status", "Name"]), st.sampled_from(["==", "!="]), st.sampled_from(["passing", "critical", "a"])
)
def test_filter_into_a_list_holds_if_it_holds_of_any(field: str, sign: str, value: str) -> None:
    """Of an entry with checks: what holds of one of them alone."""
    alone = read_filter(f"{field} {sign} {value}", CHECK)
    assert _kept(f"Checks.{field} {sign} {value}") == [
        any(alone(check) for check in entry.get("Checks", ())) for entry in ENTRIES
    ]


async def test_filter_of_agent_checks_looks_at_fields_once_there_is_a_check() -> None:
    """As a real Consul: a wrong selector passes while there is no check, a filter that cannot be read does not."""
    target = "/v1/agent/checks?filter="
    for text in ("Foo%20==%20x", "Status%20is%20empty"):
        answer = await ask_consul(FakeView(), "GET", target + text)
        assert (answer.status, answer.json) == (200, {})
        full = await ask_app(make_consul_app(await make_view()), "GET", target + text)
        assert full.status == 500
        assert not full.text.startswith(PREFIX)
    assert (await ask_consul(FakeView(), "GET", target + "Status")).text.startswith(PREFIX)


async def test_filter_of_members() -> None:
    """Members are filtered, which a Consul of that age does not do; a wrong selector is refused."""
    view = FakeView()
    view.set_status(3, Status.FAILED)
    asked = {"Name == n2": ["n2"], "Status == 4": ["n3"], "Tags.rack != r1": ["n2", "n3"], "rack not in Tags": []}
    for text, names in asked.items():
        answer = await ask_consul(view, "GET", f"/v1/agent/members?filter={quote(text)}")
        assert [member["Name"] for member in answer.json] == names, text
    refused = await ask_consul(view, "GET", "/v1/agent/members?filter=name%20==%20n2")
    assert (refused.status, refused.text) == (500, PREFIX + 'Selector "name" is not valid')


async def test_filter_of_service_names() -> None:
    """The catalog's names are those of the instances that are kept, each with the tags of those alone."""
    view = await make_view()
    asked = {
        "ServiceName == web": {"web": ["10", "a b", "primary", "v1", "v2"]},
        "Node == n2 and ServiceName != consul": {"cache": [], "web": ["v2"]},
        "ServiceMeta.team == blue": {"db": ["Master", "v1"], "web": ["v2"]},
        "v1 in ServiceTags and NodeMeta.rack == r2": {},
    }
    for text, services in asked.items():
        answer = await ask_consul(view, "GET", f"/v1/catalog/services?filter={quote(text)}")
        assert answer.json == services, text
    assert (await ask_consul(view, "GET", "/v1/catalog/services?filter=Service%20==%20x")).status == 500


@pytest.mark.parametrize(
    ("route", "accepted", "refused"),
    [
        ("health/connect/web", "Checks.Status == passing", "ServiceName == web"),
        ("health/ingress/web", "Node.Node == n1", "ServiceName == web"),
        ("catalog/connect/web", "ServiceName == web", "Checks is empty"),
        ("catalog/gateway-services/web", "Foo == x", ""),
        ("connect/intentions", "SourceName == web", "Foo == x"),
    ],
)
async def test_filter_of_the_mesh(route: str, accepted: str, refused: str) -> None:
    """The lists that are always empty check their filters all the same, but for the one that takes none."""
    answer = await ask_consul(FakeView(), "GET", f"/v1/{route}?filter={quote(accepted)}")
    assert (answer.status, answer.json) == (200, [])
    if refused:
        assert (await ask_consul(FakeView(), "GET", f"/v1/{route}?filter={quote(refused)}")).status == 500
