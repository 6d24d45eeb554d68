"""Judge cases and tell how they differ: `python -m tests.conformance [WORD...]`.

A word chooses the cases whose kind or name it is part of; without one all are judged but those
that need a server.
"""

from __future__ import annotations

import sys
import traceback
from collections import Counter

from tests.conformance.cases import Case, own_cases, recorded_cases
from tests.conformance.judges import Verdict, judge

_KINDS = ("execution", "express_sync", "express_async", "io_table")


def main(words: list[str]) -> None:
    """Judge, print the differences, and count."""
    counts: Counter[tuple[str, str]] = Counter()
    for case in [*recorded_cases(*_KINDS), *own_cases(*_KINDS)]:
        if all(word in case.kind or word in case.name for word in words):
            counts[(_row(case), _judged(case, is_told=not case.services))] += 1
    for row, count in sorted(counts.items()):
        print(*row, count)


def _row(case: Case) -> str:
    return f"{case.kind}{', other services' if case.services else ''}"


def _judged(case: Case, *, is_told: bool) -> str:
    try:
        verdict = judge(case)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        where = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
        verdict = Verdict([told], [told])
    if not verdict.passes and is_told:
        print(f"{case.kind}/{case.name}", *verdict.lenient, sep="\n    ")
    return "passed" if verdict.passes else "failed"


if __name__ == "__main__":
    main(sys.argv[1:])
