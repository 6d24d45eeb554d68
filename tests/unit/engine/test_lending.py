"""Slots lent to other engines, and slots that others have lent to this one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from engine.abroad import Abroad
from engine.lending import LENT, Lending
from engine.post import Post
from engine.sessions import Session
from scheduler.clock import VirtualClock
from tests.support.memory_timers import START

LATER = timedelta(seconds=2)


class Box(Post):
    """Keeps letters instead of sending them."""

    def __init__(self) -> None:
        super().__init__("", engine="here", lease_seconds=1.0)
        self.sent: list[list[Any]] = []

    def tell(self, engine: str, letter: list[Any]) -> bool:
        self.sent.append([engine, *letter])
        return True


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def lending(box: Box, clock: VirtualClock) -> Lending:
    return Lending(box, clock)


def session(capacity: int) -> Session:
    it = Session("s", "worker", frozenset({"f", "g"}), 0.0)
    it.capacity = capacity
    return it


def lent(box: Box) -> list[tuple[str, list[str], int]]:
    return [(letter[0], letter[3], letter[4]) for letter in box.sent]


def test_no_more_is_lent_than_is_wanted(lending: Lending, box: Box) -> None:
    worker = session(10)
    lending.want("a", "f", 2)
    lending.want("a", "h", 5)

    lending.lend(worker, worker.free)

    assert lent(box) == [("a", ["f"], 2)]
    assert worker.free == 8


def test_no_more_is_lent_than_is_free(lending: Lending, box: Box) -> None:
    worker = session(3)
    lending.want("a", "f", 2)
    lending.want("b", "g", 2)

    lending.lend(worker, worker.free)

    assert lent(box) == [("a", ["f"], 2), ("b", ["g"], 1)]
    assert worker.free == 0


def test_every_other_slot_is_kept_while_tasks_wait_here(
    lending: Lending, box: Box
) -> None:
    worker = session(1)
    for _ in range(4):
        lending.want("a", "f", 1)
        lending.share(worker)
        worker.loans.clear()

    assert len(box.sent) == 2


def test_slot_that_was_not_used_is_free_again(
    lending: Lending, clock: VirtualClock
) -> None:
    worker = session(1)
    lending.want("a", "f", 1)
    lending.lend(worker, 1)

    clock.advance(LENT)
    lending.lapse(worker)
    assert worker.free == 0
    clock.advance(LENT)
    lending.lapse(worker)

    assert worker.free == 1


def test_loan_is_settled_by_the_attempt_that_used_it(lending: Lending) -> None:
    worker = session(2)
    lending.want("a", "f", 2)
    lending.lend(worker, 2)

    lending.arrived("a", worker)
    lending.arrived("stranger", worker)

    assert worker.on_its_way == 1


def test_engine_that_wants_nothing_any_more_gets_nothing(
    lending: Lending, box: Box, clock: VirtualClock
) -> None:
    lending.want("a", "f", 1)
    clock.advance(LATER)

    lending.lend(session(1), 1)

    assert box.sent == []


# What others have lent


def test_borrowed_slot_serves_one_attempt(box: Box, clock: VirtualClock) -> None:
    abroad = Abroad(box, clock)
    until = (clock.now() + LENT).isoformat()
    borrowed = abroad.borrow("home", "s", ["f"], 1, until)

    borrowed.reserved += 1
    assert abroad.find("f") is None
    borrowed.reserved -= 1
    assert abroad.find("f") is borrowed
    borrowed.slots.popleft()

    assert abroad.find("f") is None


@pytest.mark.parametrize("end", ["lapsed", "called back"])
def test_slot_is_not_used_after_its_time(
    box: Box, clock: VirtualClock, end: str
) -> None:
    abroad = Abroad(box, clock)
    abroad.borrow("home", "s", ["f"], 3, (clock.now() + LENT).isoformat())

    if end == "lapsed":
        clock.advance(LENT)
    else:
        abroad.give_up("s")

    assert abroad.find("f") is None


# Letters


def test_equal_letters_are_both_sent() -> None:
    post = Post("", engine="here", lease_seconds=1.0)
    read: list[tuple[str, int]] = []
    other = Post("", engine="there", lease_seconds=1.0)
    other.readers["n"] = lambda sender, number: read.append((sender, number))
    written = [("c", orjson.dumps(["n", 1]))] * 2_000

    parcels = list(post._parcels(written))
    for _, parcel in parcels:
        other.open(parcel)

    assert len({parcel for _, parcel in parcels}) == len(parcels) > 1
    assert max(len(parcel) for _, parcel in parcels) < 8_000
    assert read == [("here", 1)] * 2_000


def test_letter_that_is_too_large_is_not_sent() -> None:
    post = Post("", engine="here", lease_seconds=1.0)

    assert post.tell("there", ["small"])
    assert not post.tell("there", ["large", "x" * 8_000])
    assert not post.tell_all(["large", "é" * 4_000])


def test_own_letters_and_unknown_ones_are_passed_over() -> None:
    post = Post("", engine="here", lease_seconds=1.0)
    read: list[object] = []
    post.readers["n"] = lambda *rest: read.append(rest)

    post.open('["here",1,["n",1]]')
    post.open('["there",1,["later version",{}],["n",2]]')

    assert read == [("there", 2)]
