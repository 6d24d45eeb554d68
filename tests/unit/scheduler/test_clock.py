"""Workflow time: kept to the database's, never going back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from scheduler.clock import SystemClock, VirtualClock, host_now
from tests.support.memory_timers import START, at

NS = 1_000_000_000


class Machine:
    """A machine's clocks: a steady one, and the wall clock at the start."""

    def __init__(self) -> None:
        self.ns = 7 * NS

    def clock(self) -> SystemClock:
        return SystemClock(steady_ns=lambda: self.ns, wall=lambda: START)

    def wait(self, seconds: float) -> None:
        self.ns += round(seconds * NS)


def test_the_system_clock_is_in_utc_and_near_the_wall_clock() -> None:
    now = SystemClock().now()

    assert now.tzinfo is UTC
    assert abs(now - host_now()) < timedelta(seconds=5)


def test_without_an_offset_time_passes_as_on_the_machine() -> None:
    machine = Machine()
    clock = machine.clock()

    machine.wait(2.5)

    assert clock.now() == clock.local() == at(2.5)
    assert clock.monotonic() == 9.5


def test_the_first_offset_steps_back_too() -> None:
    clock = Machine().clock()

    clock.set_offset(timedelta(seconds=-60))

    assert clock.now() == at(-60)
    assert clock.offset == timedelta(seconds=-60)


def test_a_clock_that_is_behind_steps_forward() -> None:
    clock = Machine().clock()
    clock.set_offset(timedelta(0))

    clock.set_offset(timedelta(seconds=60))

    assert clock.now() == at(60)


def test_a_clock_that_is_ahead_runs_at_half_speed_until_it_is_right() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.set_offset(timedelta(seconds=4))

    clock.set_offset(timedelta(0))
    readings = [clock.now()]
    for _ in range(3):
        machine.wait(4)
        readings.append(clock.now())

    assert readings == [at(4), at(6), at(8), at(12)]


@given(
    st.lists(
        st.tuples(
            st.floats(min_value=0, max_value=100),
            st.one_of(st.none(), st.floats(min_value=-1000, max_value=1000)),
        )
    )
)
def test_time_never_goes_back(steps: list[tuple[float, float | None]]) -> None:
    machine = Machine()
    clock = machine.clock()
    clock.set_offset(timedelta(0))
    last = clock.now()

    for seconds, offset in steps:
        machine.wait(seconds)
        if offset is not None:
            clock.set_offset(timedelta(seconds=offset))
        assert clock.now() >= last
        last = clock.now()


def test_virtual_time_moves_only_when_told() -> None:
    clock = VirtualClock(START)

    clock.advance(timedelta(days=365))
    clock.jump_to(START)

    assert clock.now() == START + timedelta(days=365)
    assert clock.monotonic() == 365 * 86_400


def test_watchers_are_told_of_every_move_until_they_stop() -> None:
    clock = VirtualClock(START)
    seen: list[datetime] = []

    def watcher() -> None:
        seen.append(clock.now())

    clock.watch(watcher)
    clock.advance(timedelta(seconds=1))
    clock.unwatch(watcher)
    clock.advance(timedelta(seconds=1))

    assert seen == [at(1)]
