"""Run measurements: `python -m benchmarks [NAME ...] [--count N] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.api import describe, history, listing, pollers
from benchmarks.engines import (
    crossing,
    engines,
    handlers,
    latency,
    states,
    storage,
    tasks,
)
from benchmarks.express import express, sync
from benchmarks.language import language
from benchmarks.map_runs import children
from benchmarks.processes import load
from benchmarks.recovery import recovery
from benchmarks.signatures import signatures
from benchmarks.starts import start
from benchmarks.timers import timers

# Name, what is run, and the figures that the goals are about: key, unit, goal, stretch.
_ALL: Final[
    dict[str, tuple[Callable[[int], dict[str, Any]], tuple[tuple[str, ...], ...]]]
] = {
    "language": (
        language,
        (
            ("validate_ms", "ms CPU", "50", ""),
            ("choice_us", "us CPU", "20", ""),
            ("data_flow_us", "us CPU", "30", ""),
            ("jsonata_us", "us CPU", "250", ""),
        ),
    ),
    "handlers": (handlers, (("cpu_ms", "ms CPU", "1.6", "1.0"),)),
    "tasks": (tasks, (("cpu_ms", "ms CPU", "2.5", "1.5"),)),
    "states": (states, (("cpu_ms", "ms CPU", "0.6", "0.4"),)),
    "children": (
        children,
        (
            ("cpu_ms", "ms CPU", "", ""),
            ("ratio", "times an execution alone", "1.5", "1"),
        ),
    ),
    "start": (start, (("cpu_ms", "ms CPU", "0.4", "0.3"),)),
    "signatures": (signatures, (("cpu_us", "us CPU", "", ""),)),
    "sync": (sync, (("cpu_ms", "ms CPU", "1", ""),)),
    "express": (express, (("cpu_ms", "ms CPU", "0.25", ""),)),
    "describe": (describe, (("cpu_ms", "ms CPU", "", ""),)),
    "history": (history, (("cpu_ms", "ms CPU", "", ""),)),
    "listing": (
        listing,
        tuple(
            (f"{page}_{figure}", unit, goal, "")
            for page in ("first", "deep", "open", "failed", "version", "alias")
            for figure, unit, goal in (
                ("p50_ms", "ms", "20"),
                ("cpu_ms", "ms CPU", ""),
            )
        ),
    ),
    "pollers": (
        pollers,
        (
            ("cpu_ms", "ms CPU", "", ""),
            ("p50_ms", "ms", "", ""),
            ("beside_p50_ms", "ms", "", ""),
        ),
    ),
    "latency": (
        latency,
        (("handlers_p50_ms", "ms", "2", ""), ("tasks_p50_ms", "ms", "5", "")),
    ),
    "timers": (
        timers,
        (
            ("late_p50_ms", "ms", "15", ""),
            ("late_p99_ms", "ms", "80", "50"),
            ("start_up_s", "s", "2", ""),
            ("engine_megabytes", "MB", "300", ""),
        ),
    ),
    "recovery": (recovery, (("seconds", "s", "5", "3"),)),
    "storage": (storage, (("log_bytes", "bytes", "20000", "15000"),)),
    "crossing": (
        crossing,
        (("ratio_2", "of one", "", ""), ("ratio_4", "of one", "", "")),
    ),
    "engines": (
        engines,
        (("ratio_2", "of one", "1.15", ""), ("ratio_4", "of one", "1.15", "")),
    ),
}


def main() -> None:
    """Run what was asked for and show it as a table, and as JSON if wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(_ALL)}"
    )
    parser.add_argument(
        "--count", type=int, default=4000, help="workflows per measurement"
    )
    parser.add_argument("--json", type=Path, help="write all figures there")
    options = parser.parse_args()
    unknown = set(options.names) - _ALL.keys()
    if unknown:
        parser.error(f"no measurement is called {', '.join(sorted(unknown))}")
    found: dict[str, Any] = {}
    print("| name | figure | measured | goal | stretch |")
    print("|---|---|---:|---:|---:|")
    for name in options.names or _ALL:
        measure, shown = _ALL[name]
        figures = measure(options.count)
        found[name] = figures | {"machine_load": load()}
        for key, unit, goal, stretch in shown:
            row = (
                f"| {name} | {key} ({unit}) | {figures[key]:.3g} | {goal} | {stretch} |"
            )
            print(row, flush=True)
    if options.json is not None:
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        options.json.write_text(
            json.dumps({"machine": machine, "figures": found}, indent=2)
        )


if __name__ == "__main__":
    main()
