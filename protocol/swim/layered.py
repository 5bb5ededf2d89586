"""A dict over a base that others share: what is written or removed is kept apart, the base stays as it is.

Ten thousand engines that begin with one view hold its rows once; each pays for what it changed.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Generic, TypeVar, overload

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")


class LayeredDict(MutableMapping[K, V], Generic[K, V]):
    """Behaves as a dict filled from `base`, but for one thing: a key of the base that is written goes to the end.

    So the order is that of the base, less what was written or removed, then that of the first writing.
    """

    __slots__ = ("_base", "_hidden", "_own")

    def __init__(self, base: Mapping[K, V]) -> None:
        """Begin equal to `base`, which must not change any more."""
        self._base = base
        self._own: dict[K, V] = {}
        self._hidden: set[K] = set()
        """Keys of the base that were written or removed here."""

    def is_shared(self, key: K) -> bool:
        """Tell whether a key's value is the base's: not to be changed, but written anew."""
        return key not in self._own and key in self._base and key not in self._hidden

    @overload
    def get(self, key: K, /) -> V | None: ...
    @overload
    def get(self, key: K, /, default: V) -> V: ...
    @overload
    def get(self, key: K, /, default: D) -> V | D: ...

    def get(self, key: K, /, default: V | D | None = None) -> V | D | None:
        """Find a value; spelled out, for the one that Mapping gives raises and catches for each absent key."""
        if key in self._own:
            return self._own[key]
        return default if key in self._hidden else self._base.get(key, default)

    def __getitem__(self, key: K) -> V:
        if key in self._own:
            return self._own[key]
        if key in self._hidden:
            raise KeyError(key)
        return self._base[key]

    def __setitem__(self, key: K, value: V) -> None:
        self._own[key] = value
        if key in self._base:
            self._hidden.add(key)

    def __delitem__(self, key: K) -> None:
        if key in self._own:
            del self._own[key]
        elif key in self._base and key not in self._hidden:
            self._hidden.add(key)
        else:
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return key in self._own or (key in self._base and key not in self._hidden)

    def each(self) -> Iterator[V]:
        """Go through the values, in order of the keys, without looking each key up."""
        if not self._hidden:
            return chain(self._base.values(), self._own.values())
        return chain((value for key, value in self._base.items() if key not in self._hidden), self._own.values())

    def __len__(self) -> int:
        return len(self._base) - len(self._hidden) + len(self._own)

    def __iter__(self) -> Iterator[K]:
        if not self._hidden:
            return chain(self._base, self._own)
        return chain((key for key in self._base if key not in self._hidden), self._own)
