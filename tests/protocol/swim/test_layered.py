"""A dict over a shared one: what is done to it is done to it alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.swim.layered import LayeredDict

keys = st.integers(0, 7)
steps = st.lists(st.tuples(st.sampled_from(["set", "pop"]), keys, st.integers()), max_size=30)


@given(st.dictionaries(keys, st.integers()), steps)
def test_layered_dict_agrees_with_a_plain_one(base: dict[int, int], plan: list[tuple[str, int, int]]) -> None:
    """In content and in order, where a key of the base goes to the end when it is first written."""
    layered, model, untouched, before = LayeredDict(base), dict(base), set(base), dict(base)
    for deed, key, value in plan:
        if deed == "set":
            if key in untouched:
                del model[key]
            layered[key] = model[key] = value
        else:
            assert layered.pop(key, None) == model.pop(key, None)
        untouched.discard(key)
        assert list(layered.items()) == list(model.items())
        assert list(layered.each()) == list(model.values())
        assert len(layered) == len(model)
        for asked in range(8):
            assert (asked in layered) == (asked in model)
            assert layered.get(asked) == model.get(asked)
            assert layered.get(asked, -1) == model.get(asked, -1)
            assert layered.is_shared(asked) == (asked in untouched)
    assert base == before


@pytest.mark.parametrize("key", ["removed", "absent"])
def test_layered_dict_key_that_is_not_there_is_an_error(key: str) -> None:
    """Read or removed, whether the base has it or not."""
    layered = LayeredDict({"removed": 1, "held": 2})
    del layered["removed"]
    with pytest.raises(KeyError):
        layered[key]
    with pytest.raises(KeyError):
        del layered[key]
    assert dict(layered) == {"held": 2}
