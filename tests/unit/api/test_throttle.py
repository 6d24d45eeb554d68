"""Token buckets, per caller and group of operations."""

from __future__ import annotations

import pytest

from api.errors import ThrottlingException
from api.throttle import Rate, Throttle

READS = Rate(operations=("Describe*", "List*"), per_second=10, burst=2)
STARTS = Rate(operations=("StartExecution",), per_second=1, burst=1)


class Callers:
    """Callers of one process, by a clock that stands still until a test moves it."""

    def __init__(self, *rates: Rate) -> None:
        self.now = 100.0
        self.processes = 1
        self._throttle = Throttle(rates, lambda: self.now, lambda: self.processes)

    def ask(self, operation: str, caller: str = "ada") -> bool:
        try:
            self._throttle.take(caller, operation)
        except ThrottlingException:
            return False
        return True


def test_nothing_is_throttled_unless_it_is_configured() -> None:
    callers = Callers()

    assert all(callers.ask("StartExecution") for _ in range(1_000))


def test_a_burst_is_admitted_and_what_follows_waits_for_the_refill() -> None:
    callers = Callers(READS)

    assert [callers.ask("ListActivities") for _ in range(3)] == [True, True, False]
    callers.now += 0.125
    assert [callers.ask("ListActivities") for _ in range(2)] == [True, False]


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    callers = Callers(READS)
    callers.ask("ListActivities")
    callers.now += 3_600

    assert [callers.ask("ListActivities") for _ in range(3)] == [True, True, False]


def test_the_operations_of_a_group_share_a_bucket() -> None:
    callers = Callers(READS)

    asked = [callers.ask("ListActivities"), callers.ask("DescribeExecution")]

    assert asked == [True, True]
    assert not callers.ask("DescribeActivity")


@pytest.mark.parametrize("operation", ["StartExecution", "StopExecution"])
def test_other_operations_are_not_touched(operation: str) -> None:
    callers = Callers(READS, STARTS)
    while callers.ask("ListActivities"):
        pass

    assert callers.ask(operation)


def test_every_caller_has_buckets_of_its_own() -> None:
    callers = Callers(STARTS)

    assert callers.ask("StartExecution", "ada")
    assert not callers.ask("StartExecution", "ada")
    assert callers.ask("StartExecution", "bob")


def test_the_first_group_that_names_an_operation_counts() -> None:
    callers = Callers(STARTS, Rate(operations=("*",), per_second=1, burst=100))

    assert [callers.ask("StartExecution") for _ in range(2)] == [True, False]
    assert callers.ask("StopExecution")


def test_processes_share_a_rate() -> None:
    callers = Callers(Rate(operations=("List*",), per_second=8, burst=4))
    callers.processes = 2

    assert [callers.ask("ListActivities") for _ in range(3)] == [True, True, False]
    callers.now += 0.25
    assert [callers.ask("ListActivities") for _ in range(2)] == [True, False]


def test_the_share_of_a_process_that_is_left_alone_grows() -> None:
    callers = Callers(Rate(operations=("List*",), per_second=8, burst=4))
    callers.processes = 2
    while callers.ask("ListActivities"):
        pass
    callers.processes = 1
    callers.now += 10

    assert [callers.ask("ListActivities") for _ in range(5)] == [True] * 4 + [False]


def test_many_processes_leave_each_a_whole_token() -> None:
    callers = Callers(Rate(operations=("List*",), per_second=8, burst=4))
    callers.processes = 8

    assert [callers.ask("ListActivities") for _ in range(2)] == [True, False]
    callers.now += 1
    assert callers.ask("ListActivities")
