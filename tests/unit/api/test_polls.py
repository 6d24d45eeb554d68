"""How a long poll ends before its work does."""

from __future__ import annotations

import asyncio

import pytest

from api.errors import UnrecognizedClientException
from api.polls import Dismissal, Polls, Signal


async def never() -> object:
    return await asyncio.Event().wait()


async def test_a_poll_ends_with_the_key_of_its_caller() -> None:
    ended = Dismissal()
    polling = asyncio.ensure_future(
        Polls().run(never, never(), None, ended=ended)  # type: ignore[arg-type]  # hangs
    )
    await asyncio.sleep(0)

    ended.give(UnrecognizedClientException, "disabled")

    with pytest.raises(UnrecognizedClientException, match="disabled"):
        await polling


async def test_what_came_together_with_the_end_of_a_key_is_taken_back() -> None:
    ended = Dismissal()
    ended.give(UnrecognizedClientException, "disabled")
    taken_back: list[str] = []

    async def work() -> str:
        return "task"

    with pytest.raises(UnrecognizedClientException):
        await Polls().run(
            never,  # type: ignore[arg-type]  # hangs
            work(),
            "",
            taken_back.append,
            ended=ended,
        )

    assert taken_back == ["task"]


async def test_a_signal_may_be_given_twice() -> None:
    signal = Signal()
    waiting = signal.future()

    signal.give()
    signal.give()

    assert waiting.done()
    assert signal.is_given
