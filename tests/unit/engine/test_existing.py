"""Which activities there are, as an engine knows it."""

from __future__ import annotations

from datetime import timedelta

from engine.existing import ExistingActivities
from scheduler.clock import VirtualClock


class Table:
    """Activities, and how often somebody asked for them."""

    def __init__(self, *arns: str) -> None:
        self.arns = set(arns)
        self.asked: list[list[str]] = []

    async def find(self, arns: list[str]) -> set[str]:
        self.asked.append(arns)
        return self.arns & set(arns)


async def test_what_was_never_looked_up_may_exist() -> None:
    known = ExistingActivities(VirtualClock(), Table().find)

    assert known.may_exist("a")


async def test_what_is_not_found_does_not_exist() -> None:
    known = ExistingActivities(VirtualClock(), Table("a").find)

    await known.look_up(["a", "b"])

    assert (known.may_exist("a"), known.may_exist("b")) == (True, False)


async def test_an_activity_is_looked_up_once_a_second() -> None:
    clock, table = VirtualClock(), Table("a")
    known = ExistingActivities(clock, table.find)

    await known.look_up(["a"])
    await known.look_up(["a", "b"])
    table.arns.clear()
    clock.advance(timedelta(seconds=2))
    await known.look_up(["a"])

    assert table.asked == [["a"], ["b"], ["a"]]
    assert not known.may_exist("a")
