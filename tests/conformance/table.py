"""The table of results, at the end of a test run that judged cases.

`tests/conftest.py` asks for it: with several processes, the one that tells of the results loads
no other file of hooks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.cases import BESIDE, DIRECTORY_VARIABLE, recorded_directory

# The rows of recorded cases that need nothing but functions and activities.
_DECIDING = (
    "execution",
    "execution, distributed Map",
    "express_sync",
    "express_async",
    "io_table",
    "test_state",
)


def print_results(reporter: pytest.TerminalReporter) -> None:
    """Print how many cases of each kind passed, and say loudly where there are none."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for row, *results in _verdicts(reporter):
        rows[row].update(results)
    if not rows:
        return
    _print_table(reporter, rows)
    if recorded_directory() is None:
        reporter.write_line(
            f"NO RECORDED CASES: neither {DIRECTORY_VARIABLE} nor {BESIDE} holds any;"
            " only the project's own cases were run.",
            red=True,
            bold=True,
        )


def _verdicts(reporter: pytest.TerminalReporter) -> Iterator[Any]:
    """Yield what the judged cases have recorded."""
    reports = [report for reports in reporter.stats.values() for report in reports]
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == "conformance" and report.when == "call":
                yield value


def _print_table(
    reporter: pytest.TerminalReporter, rows: dict[str, Counter[str]]
) -> None:
    reporter.section("conformance")
    reporter.write_line(f"{'cases':44}{'total':>7}{'lenient':>9}{'strict':>8}")
    for row, counts in sorted(rows.items()):
        numbers = (counts["total"], counts["lenient"], counts["strict"])
        reporter.write_line(f"{row:44}{numbers[0]:>7}{numbers[1]:>9}{numbers[2]:>8}")
    deciding = [counts for row, counts in rows.items() if row in _DECIDING]
    total = sum(counts["total"] for counts in deciding)
    passed = sum(counts["lenient"] for counts in deciding)
    if total:
        share = f"{passed} of {total}, {100 * passed / total:.1f} %"
        reporter.write_line(f"recorded cases without other services: {share}")
