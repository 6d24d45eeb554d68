"""CPU time and memory of process groups, and the load of the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its children, those that have ended included."""
    total = 0.0
    root = psutil.Process(pid)
    for child in (pid, *(process.pid for process in root.children())):
        try:
            times = psutil.Process(child).cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def resident_bytes(pid: int) -> int:
    """Return the resident memory of one process."""
    return int(psutil.Process(pid).memory_info().rss)


@dataclass(slots=True)
class Meter:
    """CPU and wall time since a moment, of some processes by name."""

    pids: dict[str, int]
    _cpu: dict[str, float]
    _began: float

    @classmethod
    def start(cls, pids: dict[str, int]) -> Meter:
        """Begin to measure."""
        cpu = {name: cpu_seconds(pid) for name, pid in pids.items()}
        return cls(pids, cpu, time.perf_counter())

    def stop(self, count: int) -> dict[str, float]:
        """Return milliseconds of CPU per item, by process and in all, and the rate."""
        seconds = time.perf_counter() - self._began
        figures = {
            f"{name}_cpu_ms": 1000 * (cpu_seconds(pid) - self._cpu[name]) / count
            for name, pid in self.pids.items()
        }
        figures["cpu_ms"] = sum(figures.values())
        figures["per_second"] = count / seconds
        return figures


def percentile(values: Iterable[float], percent: float) -> float:
    """Return a percentile of some values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def load() -> float:
    """Return how many processes wanted to run in the last minute."""
    return os.getloadavg()[0]
