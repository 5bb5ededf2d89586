"""Keys of services and checks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.catalog.key import CatalogKey, Kind, check_key, read_key, service_key
from protocol.error import MalformedMessage
from tests.protocol.catalog.sample import names


@given(names)
def test_key_is_read_as_it_was_made(id: str) -> None:
    """Services and checks of one id have two keys."""
    assert read_key(service_key(id)) == CatalogKey(Kind.SERVICE, id)
    assert read_key(check_key(id)) == CatalogKey(Kind.CHECK, id)


@given(st.binary(max_size=600))
def test_key_of_any_bytes_is_read_or_malformed(key: bytes) -> None:
    """What is read gives the same bytes again; what is of another kind is nobody's fault."""
    try:
        found = read_key(key)
    except MalformedMessage:
        return
    if found is None:
        assert key[:1] not in (b"s", b"c")
    else:
        assert found.kind.value + found.id.encode() == key


@pytest.mark.parametrize("key", [b"s", b"c", b"s\xff", b"s" + b"x" * 256, b"c" + b"x" * 321], ids=repr)
def test_key_of_no_id_is_malformed(key: bytes) -> None:
    """Empty, no UTF-8, too long."""
    with pytest.raises(MalformedMessage):
        read_key(key)
