"""The histogram of lateness."""

from __future__ import annotations

from scheduler.lateness import BOUNDS, Lateness


def test_quantiles_are_the_bounds_of_their_buckets() -> None:
    lateness = Lateness()
    for milliseconds in range(1, 101):
        lateness.observe(milliseconds / 1000)

    assert lateness.quantile(0.5) == 0.05
    assert lateness.quantile(0.99) == 0.1
    assert lateness.count == 100
    assert round(lateness.sum, 3) == 5.05


def test_what_is_later_than_the_last_bound_counts_too() -> None:
    lateness = Lateness()

    lateness.observe(BOUNDS[-1] + 1)

    assert lateness.counts[-1] == 1
    assert lateness.quantile(0.5) == lateness.max == BOUNDS[-1] + 1


def test_nothing_observed_is_not_late() -> None:
    assert Lateness().quantile(0.99) == 0
