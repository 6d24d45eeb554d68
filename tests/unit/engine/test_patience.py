"""Waiting for a future, but not for ever."""

from __future__ import annotations

import asyncio

import pytest

from engine.patience import within


async def test_a_future_that_is_set_in_time_is_returned() -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, "set")

    assert await within(60, future) == "set"


async def test_an_exception_in_time_is_raised() -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    future.set_exception(LookupError("nothing"))

    with pytest.raises(LookupError, match="nothing"):
        await within(60, future)


async def test_what_takes_too_long_is_done_with() -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    with pytest.raises(TimeoutError):
        await within(0, future)

    assert future.done()


async def test_who_gives_up_cancels_the_future() -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    waiting = asyncio.ensure_future(within(60, future))
    await asyncio.sleep(0)

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert future.cancelled()
