"""What the façade's client is told when the disk refuses."""

from collections.abc import Awaitable
from typing import TypeVar

from api.answer import Problem
from node.store_error import StoreError

T = TypeVar("T")


async def stored(act: Awaitable[T]) -> T:
    """Await what is to be on disk.

    Raises:
        Problem: 500 NOT_STORED, the disk does not take it.
    """
    try:
        return await act
    except StoreError as wrong:
        raise Problem(500, "NOT_STORED", str(wrong)) from None
