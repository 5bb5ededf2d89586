"""Services as they travel: round trips, bounds, and nothing but MalformedMessage out of bad bytes."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.catalog.service import Service
from protocol.error import InvalidRequest, MalformedMessage
from protocol.wire.fact import FACT_SIZE_MAX
from protocol.wire.field import pack, unpack
from tests.protocol.catalog.sample import services

WEB = Service(
    "web 1/\N{SNOWMAN}", "web", ("a", "b"), "10.0.0.1", 80, (("k", "v"),), True, (10, 1), (("lan", "10.1.0.1", 8_080),)
)


@given(services)
def test_service_comes_back_as_it_was(service: Service) -> None:
    """Whatever is within bounds is the same after its travel, and passes its own check."""
    assert Service.decode(service.id, service.encode()) == service
    assert service.checked() == service


def test_service_bytes_stay_what_they_are() -> None:
    """Members of different versions read each other: these bytes are the format."""
    assert WEB.encode().hex() == (
        "98a37765629"
        + "2a161a162a831302e302e302e315091"
        + "92a16ba176c3920a01"
        + "9193a36c616ea831302e312e302e31cd1f90"
    )
    assert Service("a", "a").encode().hex() == "98a16190a0009" + "0c292010190"


@given(st.binary(max_size=200))
def test_service_of_any_bytes_is_read_or_malformed(data: bytes) -> None:
    """No bytes do more than be refused."""
    try:
        Service.decode("a", data)
    except MalformedMessage:
        pass


@given(
    services, st.integers(0, 7), st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.lists(st.integers()))
)
def test_service_with_a_foreign_field_is_read_or_malformed(service: Service, index: int, value: Any) -> None:
    """A field of another type or size never gets further than the decoder."""
    fields = list(unpack(service.encode()))
    fields[index] = value
    try:
        data = pack(fields)
    except OverflowError:
        return
    try:
        assert Service.decode("a", data).encode() == data
    except MalformedMessage:
        pass


@pytest.mark.parametrize(
    "beyond",
    [
        {"id": "x" * 256},
        {"id": ""},
        {"id": "\N{FISH}" * 121},
        {"id": "\ud800"},
        {"name": ""},
        {"name": "x" * 256},
        {"name": "\ud800"},
        {"tags": ("x",) * 65},
        {"tags": ("x" * 129,)},
        {"address": "x" * 256},
        {"port": -1},
        {"port": 65_536},
        {"port": 10**30},
        {"meta": tuple((f"{n:02}", "") for n in range(65))},
        {"meta": (("", "v"),)},
        {"meta": (("k" * 129, "v"),)},
        {"meta": (("k", "v" * 513),)},
        {"meta": (("b", ""), ("a", ""))},
        {"meta": (("a", ""), ("a", ""))},
        {"weights": (-1, 1)},
        {"weights": (1, 65_536)},
        {"tagged_addresses": tuple((f"{n:02}", "", 0) for n in range(17))},
        {"tagged_addresses": (("", "a", 0),)},
        {"tagged_addresses": (("k" * 129, "a", 0),)},
        {"tagged_addresses": (("lan", "a" * 256, 0),)},
        {"tagged_addresses": (("lan", "\ud800", 0),)},
        {"tagged_addresses": (("lan", "a", 65_536),)},
        {"tagged_addresses": (("lan", "a", -1),)},
        {"tagged_addresses": (("lan", "a", 0), ("lan", "b", 0))},
        {"tagged_addresses": (("wan", "a", 0), ("lan", "b", 0))},
        {"tagged_addresses": tuple((f"{n:02}", "x" * 255, 0) for n in range(16))},
        {"tags": tuple("x" * 100 + str(n) for n in range(40))},
    ],
    ids=lambda beyond: next(iter(beyond)),
)
def test_service_beyond_its_bounds_is_refused(beyond: dict[str, Any]) -> None:
    """A registration gets one sentence, and the same bytes from elsewhere are malformed."""
    service = replace(WEB, **beyond)
    with pytest.raises(InvalidRequest) as refused:
        service.checked()
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500
    try:
        data = service.encode()
    except (OverflowError, UnicodeEncodeError):
        return
    with pytest.raises(MalformedMessage):
        Service.decode(service.id, data)


def test_service_at_its_largest_fits_a_fact() -> None:
    """Key, value, owner, version and signature are one fact."""
    service = replace(WEB, id="\N{FISH}" * 120, tags=tuple("x" * 44 for _ in range(64)))
    service = service.checked()
    assert 3_400 < len(service.encode()) + 481 <= 3_500
    assert len(service.encode()) + 481 + 200 < FACT_SIZE_MAX
