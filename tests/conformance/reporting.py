"""What every test of a case does with its verdict: report it, and hold it against the lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pytest

from tests.conformance.cases import Case, is_required, recorded_directory
from tests.conformance.judges import Verdict
from tests.conformance.lists import is_known_failure, is_undecidable, key

Recorder: TypeAlias = Callable[[str, Any], None]


def parameters(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Parametrise a test over cases; without any, one run says why there are none."""
    return pytest.mark.parametrize(
        "case", list(cases) or [None], ids=lambda case: case.name if case else "none"
    )


def present(case: Case | None) -> Case:
    """Return the case; skip, or fail where recorded cases are required."""
    if case is not None:
        return case
    if is_required():
        pytest.fail("the recorded cases are required, and are not there")
    pytest.skip("NO RECORDED CASES: see tests/conformance/cases.py")


def check(case: Case, judge: Callable[[Case], Verdict], record: Recorder) -> None:
    """Judge a case, report the verdict, and fail unless it is what the lists say."""
    verdict = _verdict(case, judge)
    record("conformance", (row(case), *_results(verdict)))
    if is_undecidable(case) or case.services:
        return
    if is_known_failure(case):
        assert not verdict.passes, f"{key(case)} passes: take it off the list"
        return
    assert verdict.lenient == []


def row(case: Case) -> str:
    """Return the row of the table that a case counts in."""
    if is_undecidable(case):
        return f"{case.kind}, undecidable"
    if case.services:
        return f"{case.kind}, other services"
    if case.data.get("setup"):
        return f"{case.kind}, with logging"
    if case.runs_a_map_run:
        return f"{case.kind}, distributed Map"
    return f"{case.kind}, own" if _is_own(case) else case.kind


def _is_own(case: Case) -> bool:
    directory = recorded_directory()
    return directory is None or "upstream_commit" not in case.data


def _verdict(case: Case, judge: Callable[[Case], Verdict]) -> Verdict:
    """Judge; where the run itself breaks, that is the difference."""
    try:
        return judge(case)
    except Exception as error:
        if not (is_undecidable(case) or is_known_failure(case) or case.services):
            raise
        told = [f"{type(error).__name__}: {error}"]
        return Verdict(told, told)


def _results(verdict: Verdict) -> list[str]:
    results = ["total"]
    if not verdict.lenient:
        results.append("lenient")
    if not verdict.strict:
        results.append("strict")
    return results
