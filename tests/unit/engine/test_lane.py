"""A lane, before its turns."""

from __future__ import annotations

from collections.abc import Iterable
from unittest import mock

from engine.lane import Lane


async def test_activities_of_executions_that_come_meanwhile_are_looked_up() -> None:
    runnable, asked = {"first"}, []

    async def look_up(arns: Iterable[str]) -> None:
        asked.append(sorted(arns))
        runnable.add("second")

    lane = Lane(
        residents=mock.Mock(activities=lambda: set(runnable)),
        loader=mock.Mock(),
        commits=mock.Mock(),
        taker=mock.Mock(),
        activities=mock.Mock(look_up=look_up),
    )

    await lane._look_up_activities()

    assert asked == [["first"], ["second"]]
