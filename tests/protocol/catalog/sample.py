"""Services and checks of every size that is allowed."""

from hypothesis import strategies as st

from protocol.catalog.check import Check, CheckKind, CheckStatus
from protocol.catalog.service import Service

words = st.text(max_size=40)
"""Any characters but surrogates, which Hypothesis leaves out by itself."""
names = st.text(min_size=1, max_size=40)
weights = st.integers(0, 65_535)
services = st.builds(
    Service,
    id=names,
    name=names,
    tags=st.lists(words, max_size=5).map(tuple),
    address=words,
    port=st.integers(0, 65_535),
    meta=st.dictionaries(names, words, max_size=4).map(lambda meta: tuple(sorted(meta.items()))),
    enable_tag_override=st.booleans(),
    weights=st.tuples(weights, weights),
    tagged_addresses=st.dictionaries(names, st.tuples(words, st.integers(0, 65_535)), max_size=3).map(
        lambda held: tuple((name, *where) for name, where in sorted(held.items()))
    ),
)
checks = st.builds(
    Check,
    id=names,
    name=names,
    status=st.sampled_from(CheckStatus),
    notes=words,
    output=st.text(max_size=2_000),
    service_id=words,
    kind=st.sampled_from(CheckKind),
)
