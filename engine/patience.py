"""Waiting for a future, but not for ever."""

from __future__ import annotations

import asyncio
from typing import TypeVar

_Result = TypeVar("_Result")


async def within(seconds: float, future: asyncio.Future[_Result]) -> _Result:
    """Return what a future is set to; raise TimeoutError where that takes too long.

    The future is done then. `asyncio.wait_for` does the same at five times the cost, which a
    start of an execution would notice.
    """
    timer = future.get_loop().call_later(seconds, _give_up, future)
    try:
        return await future
    finally:
        timer.cancel()


def _give_up(future: asyncio.Future[_Result]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())
