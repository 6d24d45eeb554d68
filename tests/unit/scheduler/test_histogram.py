"""Histograms in plain numbers."""

from __future__ import annotations

from scheduler.histogram import LATENESS_BOUNDS, Histogram


def test_quantiles_are_the_bounds_of_their_buckets() -> None:
    lateness = Histogram(LATENESS_BOUNDS)
    for milliseconds in range(1, 101):
        lateness.observe(milliseconds / 1000)

    assert lateness.quantile(0.5) == 0.05
    assert lateness.quantile(0.99) == 0.1
    assert lateness.count == 100
    assert round(lateness.sum, 3) == 5.05


def test_what_exceeds_the_last_bound_counts_too() -> None:
    lateness = Histogram(LATENESS_BOUNDS)

    lateness.observe(LATENESS_BOUNDS[-1] + 1)

    assert lateness.counts[-1] == 1
    assert lateness.quantile(0.5) == lateness.max == LATENESS_BOUNDS[-1] + 1


def test_nothing_observed_has_no_quantile_above_zero() -> None:
    assert Histogram(LATENESS_BOUNDS).quantile(0.99) == 0
