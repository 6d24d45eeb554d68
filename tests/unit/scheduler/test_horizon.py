"""The near future in memory: exact, never early, never twice, and healed by every read."""

from __future__ import annotations

from datetime import timedelta

from scheduler.horizon import Horizon, TimerId
from tests.support.memory_timers import at, timer

FAR = at(10_000)


def holding(*shards: int) -> Horizon:
    horizon = Horizon()
    horizon.hold(shards)
    return horizon


def taken(horizon: Horizon, seconds: float) -> list[TimerId]:
    return [due.id for due in horizon.take(at(seconds), 100)]


def test_timers_are_taken_when_due_and_the_earliest_first() -> None:
    horizon = holding(1, 2)
    horizon.put(timer(1, 1), at(3))
    horizon.put(timer(2, 2), at(1))
    horizon.put(timer(1, 3), at(9))

    assert horizon.next_due() == at(1)
    assert taken(horizon, 5) == [timer(2, 2), timer(1, 1)]
    assert horizon.next_due() == at(9)


def test_what_is_taken_is_not_taken_again_however_often_it_is_read() -> None:
    horizon = holding(1)
    horizon.put(timer(1, 1), at(1))
    assert taken(horizon, 1) == [timer(1, 1)]

    horizon.begin_read(at(2), 10)
    cut = horizon.finish_read([(timer(1, 1), at(1))], at(1))

    assert not cut
    assert taken(horizon, 5) == []
    assert horizon.taken == 1


def test_a_timer_that_was_given_back_is_offered_again_later() -> None:
    horizon = holding(1)
    horizon.put(timer(1, 1), at(1))
    taken(horizon, 1)

    horizon.give_back(timer(1, 1), at(3))

    assert taken(horizon, 2.9) == []
    (again,) = horizon.take(at(3), 10)
    assert (again.id, again.due) == (timer(1, 1), at(1))


def test_a_timer_settled_during_a_read_does_not_come_back_with_it() -> None:
    horizon = holding(1)
    horizon.put(timer(1, 1), at(1))
    taken(horizon, 1)

    horizon.begin_read(at(2), 10)
    horizon.settle(timer(1, 1))
    horizon.finish_read([(timer(1, 1), at(1))], at(1))

    assert taken(horizon, 5) == []


def test_a_timer_put_off_during_a_read_keeps_its_new_instant() -> None:
    horizon = holding(1)
    horizon.put(timer(1, 1), at(1))
    taken(horizon, 1)

    horizon.begin_read(at(20), 10)
    horizon.settle(timer(1, 1))
    horizon.put(timer(1, 1), at(9))
    horizon.finish_read([(timer(1, 1), at(1))], at(1))

    assert taken(horizon, 8) == []
    assert taken(horizon, 9) == [timer(1, 1)]


def test_a_read_that_began_in_an_earlier_tenure_brings_nothing() -> None:
    horizon = holding(1)
    horizon.begin_read(at(2), 10)
    horizon.release([1])
    horizon.hold([1])

    horizon.finish_read([(timer(1, 1), at(1))], at(1))

    assert horizon.pending == 0


def test_a_timer_taken_beyond_the_end_of_a_slow_read_stays_taken() -> None:
    horizon = holding(1)
    horizon.put(timer(1, 1), at(5))

    horizon.begin_read(at(2), 10)
    taken(horizon, 5)
    horizon.finish_read([], at(5))
    horizon.begin_read(at(7), 10)
    horizon.finish_read([(timer(1, 1), at(5))], at(5))

    assert taken(horizon, 9) == []
    assert horizon.taken == 1


def test_a_lost_shard_takes_its_timers_along() -> None:
    horizon = holding(1, 2)
    horizon.put(timer(1, 1), at(1))
    horizon.put(timer(2, 2), at(1))

    horizon.release([1])
    horizon.put(timer(1, 3), at(1))
    horizon.settle(timer(1, 1))
    horizon.give_back(timer(1, 1), at(1))

    assert taken(horizon, 5) == [timer(2, 2)]
    assert horizon.shards == [2]


def test_a_complete_read_removes_what_the_table_does_not_have() -> None:
    horizon = holding(1)
    for number, due in ((1, 1), (2, 2), (3, 30)):
        horizon.put(timer(1, number), at(due))
    taken(horizon, 1)

    horizon.begin_read(at(10), 10)
    horizon.finish_read([], at(1))

    assert horizon.taken == 0
    assert taken(horizon, 50) == [timer(1, 3)], "what lies beyond the read is kept"


def test_a_cut_read_removes_nothing_and_asks_for_another() -> None:
    horizon = holding(1)
    horizon.put(timer(1, 1), at(1))

    read = horizon.begin_read(FAR, 2)
    rows = [(timer(1, number), at(number)) for number in (7, 8, 9)]
    cut = horizon.finish_read(rows, at(0))

    assert read.bounds == {1: 3}
    assert cut
    assert horizon.pending == 4


def test_a_timer_that_stays_taken_for_long_is_offered_again() -> None:
    horizon = Horizon(offer_again_after=timedelta(seconds=60))
    horizon.hold([1])
    horizon.put(timer(1, 1), at(1))
    taken(horizon, 1)

    for seconds in (59, 61):
        horizon.begin_read(FAR, 10)
        horizon.finish_read([(timer(1, 1), at(1))], at(seconds))

    assert taken(horizon, 61) == [timer(1, 1)]
    assert horizon.offered_again == 1


def test_no_more_is_taken_than_asked_for() -> None:
    horizon = holding(1)
    for number in range(5):
        horizon.put(timer(1, number), at(1))

    assert len(horizon.take(at(1), 3)) == 3
    assert len(horizon.take(at(1), 3)) == 2
