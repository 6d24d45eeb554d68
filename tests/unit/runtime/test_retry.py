"""Which retrier or catcher takes an error, and how long a retry waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from asl.model import Catcher, Environment, Outcome, Retrier
from runtime.chance import SeededEntropy
from runtime.retry import backoff, matches, pick_catcher, pick_retrier

ENTROPY = SeededEntropy(b"seed")


def retrier(*errors: str, **fields: Any) -> Retrier:
    return Retrier(errors=errors, **fields)


def catcher(*errors: str, following: str = "Next") -> Catcher:
    def leave(environment: Environment) -> Outcome:
        return Outcome(environment.input)

    return Catcher(errors=errors, next=following, leave=leave)


@pytest.mark.parametrize(
    ("error", "name", "is_match"),
    [
        ("Broken", "Broken", True),
        ("Broken", "broken", False),
        ("Broken", "States.ALL", True),
        ("Broken", "States.TaskFailed", True),
        ("Broken", "States.Timeout", False),
        ("", "States.ALL", True),
        ("States.Timeout", "States.Timeout", True),
        ("States.Timeout", "States.ALL", True),
        ("States.Timeout", "States.TaskFailed", False),
        ("States.Timeout", "States.HeartbeatTimeout", False),
        ("Lambda.Unknown", "States.TaskFailed", True),
        ("States.DataLimitExceeded", "States.ALL", True),
    ],
)
def test_an_error_is_matched_by_name(error: str, name: str, is_match: bool) -> None:
    assert matches(error, (name,)) is is_match


@pytest.mark.parametrize(
    ("name", "is_match"),
    [
        ("States.HeartbeatTimeout", True),
        ("States.Timeout", True),
        ("States.ALL", True),
        ("States.TaskFailed", False),
        ("Broken", False),
    ],
)
def test_a_missed_heartbeat_is_matched_by_both_its_names(
    name: str, is_match: bool
) -> None:
    assert matches("States.Timeout", (name,), is_heartbeat=True) is is_match


def test_the_first_retrier_that_names_the_error_takes_it() -> None:
    retriers = [retrier("A"), retrier("B", "C"), retrier("States.ALL")]

    assert pick_retrier("C", retriers, {}) == 1


def test_a_retrier_without_attempts_left_does_not_pass_on_to_the_next() -> None:
    retriers = [retrier("A", max_attempts=2), retrier("States.ALL")]

    assert pick_retrier("A", retriers, {0: 2}) is None


def test_no_attempts_means_never() -> None:
    assert pick_retrier("A", [retrier("A", max_attempts=0)], {}) is None


def test_every_retrier_counts_for_itself() -> None:
    retriers = [retrier("A", max_attempts=1), retrier("B", max_attempts=1)]

    assert pick_retrier("B", retriers, {0: 1}) == 1


def test_the_first_catcher_that_names_the_error_takes_it() -> None:
    catchers = [catcher("A"), catcher("B", following="Second"), catcher("States.ALL")]

    taken = pick_catcher("B", catchers)

    assert taken is not None
    assert taken.next == "Second"


def test_an_error_that_no_catcher_names_is_not_caught() -> None:
    assert pick_catcher("B", [catcher("A")]) is None


@pytest.mark.parametrize(("used", "seconds"), [(0, 3), (1, 4.5), (2, 6.75)])
def test_backoff_grows_by_its_rate(used: int, seconds: float) -> None:
    patient = retrier("A", interval_seconds=3, backoff_rate=1.5)

    assert backoff(patient, used, ENTROPY) == timedelta(seconds=seconds)


@pytest.mark.parametrize("used", [3, 10, 5_000])
def test_backoff_is_bounded_by_max_delay(used: int) -> None:
    bounded = retrier("A", interval_seconds=3, max_delay_seconds=20)

    assert backoff(bounded, used, ENTROPY) == timedelta(seconds=20)


def test_backoff_without_a_bound_stops_at_the_largest_that_may_be_asked_for() -> None:
    patient = retrier("A", interval_seconds=99_999_999, backoff_rate=1e308)

    assert backoff(patient, 2, ENTROPY) == timedelta(seconds=31_622_400)


def test_full_jitter_lies_between_nothing_and_the_backoff() -> None:
    jittered = retrier("A", interval_seconds=8, jitter=True)
    entropy = SeededEntropy(b"jitter")

    waits = [backoff(jittered, 1, entropy).total_seconds() for _ in range(500)]

    assert 0 <= min(waits) < 1
    assert 15 < max(waits) < 16
