"""The pool that runs plain functions."""

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar

from stepwell.calls import Call
from stepwell.context import Context
from stepwell.tasks import task_function
from stepwell.threads import ThreadRunner
from tests.unit.stepwell.scripted_server import delivery

leak: ContextVar[str] = ContextVar("leak", default="nothing")


class Ends:
    """Counts what has ended."""

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self._each = threading.Semaphore(0)

    def finish(self, ended: Sequence[tuple[str, bytes]]) -> None:
        for _, item in ended:
            self.items.append(item)
            self._each.release()

    def wait(self, count: int) -> None:
        for _ in range(count):
            assert self._each.acquire(timeout=20)


def calls_of(function: Callable[..., object], count: int) -> list[Call]:
    described = task_function(function)
    handed = [delivery(f"t{number}", input=number) for number in range(count)]
    return [Call(described, one, Context(one, lambda token: None)) for one in handed]


def test_functions_that_wait_for_each_other_run_side_by_side() -> None:
    ends = Ends()
    barrier = threading.Barrier(8)

    def meets(event: object) -> None:
        barrier.wait(20)

    runner = ThreadRunner(8, ends.finish)
    runner.submit(calls_of(meets, 8))
    ends.wait(8)
    runner.close()

    assert not any(b"error" in item for item in ends.items)


def test_no_more_run_at_once_than_the_pool_has_threads() -> None:
    ends = Ends()
    running: list[int] = []
    most: list[int] = []

    def counts(event: int) -> None:
        running.append(event)
        most.append(len(running))
        running.remove(event)

    runner = ThreadRunner(3, ends.finish)
    for _ in range(20):
        runner.submit(calls_of(counts, 10))
    ends.wait(200)
    runner.close()

    assert max(most) <= 3


def test_a_call_behind_one_that_blocks_gets_a_thread_of_its_own() -> None:
    ends = Ends()
    release = threading.Event()

    def first_blocks(event: int) -> None:
        if event == 0:
            release.wait(20)

    runner = ThreadRunner(2, ends.finish)
    runner.submit(calls_of(first_blocks, 50))
    ends.wait(49)
    release.set()
    ends.wait(1)
    runner.close()

    assert b'"t0"' in ends.items[-1]


def test_what_a_function_leaves_in_context_variables_does_not_leak() -> None:
    ends = Ends()

    def leaves(event: object) -> str:
        before = leak.get()
        leak.set("something")
        return before

    runner = ThreadRunner(1, ends.finish)
    runner.submit(calls_of(leaves, 5))
    ends.wait(5)
    runner.close()

    assert all(b'"nothing"' in item for item in ends.items)
