"""Measurements that need no database keep up with what they measure."""

from __future__ import annotations

from benchmarks.signatures import signatures


def test_a_signature_can_be_measured() -> None:
    assert signatures(1)["cpu_us"] > 0
