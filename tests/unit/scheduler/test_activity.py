"""What is in flight is counted, and quiet is waited for."""

from __future__ import annotations

import asyncio

import pytest

from scheduler.activity import Activity


def test_kinds_are_counted() -> None:
    activity = Activity()

    activity.enter("lane")
    activity.enter("lane")
    with activity.during("request"):
        assert activity.counts() == {"lane": 2, "request": 1}
    activity.leave("lane")

    assert activity.counts() == {"lane": 1}
    assert not activity.is_idle


def test_leaving_without_entering_is_an_error() -> None:
    with pytest.raises(AssertionError, match="commit"):
        Activity().leave("commit")


async def test_idle_waits_until_nothing_is_held() -> None:
    activity = Activity()
    activity.enter("commit")
    waiting = asyncio.create_task(activity.idle())
    await asyncio.sleep(0)
    assert not waiting.done()

    activity.leave("commit")
    await waiting

    assert activity.is_idle


async def test_idle_lets_work_that_is_about_to_begin_begin() -> None:
    activity = Activity()
    loop = asyncio.get_running_loop()
    ended: list[str] = []

    def begin() -> None:
        activity.enter("lane")
        loop.call_later(0.01, end)

    def end() -> None:
        ended.append("lane")
        activity.leave("lane")

    loop.call_soon(loop.call_soon, begin)
    await activity.idle()

    assert ended == ["lane"]


async def test_changed_waits_for_the_next_change() -> None:
    activity = Activity()
    waiting = asyncio.create_task(activity.changed())
    await asyncio.sleep(0)

    activity.enter("lane")

    await waiting
