"""Waiting for futures, but not for ever."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import pytest

from engine.patience import Patience

Text: TypeAlias = "asyncio.Future[str]"


def new() -> Text:
    return asyncio.get_running_loop().create_future()


async def test_a_future_that_is_set_in_time_is_returned() -> None:
    future = new()
    asyncio.get_running_loop().call_soon(future.set_result, "set")

    assert await Patience[str](60).wait(future) == "set"


async def test_an_exception_in_time_is_raised() -> None:
    future = new()
    future.set_exception(LookupError("nothing"))

    with pytest.raises(LookupError, match="nothing"):
        await Patience[str](60).wait(future)


async def test_what_takes_too_long_is_done_with() -> None:
    future = new()

    with pytest.raises(TimeoutError):
        await Patience[str](0).wait(future)

    assert future.done()


async def test_each_future_has_the_whole_time() -> None:
    """The second begins to wait while the first does, and is looked at again."""
    patience = Patience[str](0.01)
    first, second = new(), new()

    async def late() -> str:
        with pytest.raises(TimeoutError):
            await patience.wait(first)
        return await patience.wait(second)

    with pytest.raises(TimeoutError):
        await late()


async def test_those_that_come_together_are_given_up_together() -> None:
    patience = Patience[str](0.01)
    waiting = [patience.wait(new()) for _ in range(3)]

    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(answer) for answer in answers] == [TimeoutError] * 3


async def test_one_that_is_given_up_does_not_end_another() -> None:
    patience = Patience[str](0.01)
    kept = new()
    both = asyncio.gather(
        patience.wait(new()), patience.wait(kept), return_exceptions=True
    )
    asyncio.get_running_loop().call_soon(kept.set_result, "kept")

    given_up, answered = await both

    assert isinstance(given_up, TimeoutError)
    assert answered == "kept"


async def test_who_leaves_cancels_the_future() -> None:
    future = new()
    waiting = asyncio.ensure_future(Patience[str](60).wait(future))
    await asyncio.sleep(0)

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert future.cancelled()
