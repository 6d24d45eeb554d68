"""Every case that needs no server, run in memory against the pure core."""

from __future__ import annotations

from tests.conformance.cases import EXECUTIONS, Case, own_cases, recorded_cases
from tests.conformance.judges import judge
from tests.conformance.reporting import Recorder, check, parameters, present

KINDS = (*EXECUTIONS, "io_table")


@parameters(recorded_cases(*KINDS))
def test_recorded_case_ends_as_recorded(
    case: Case | None, record_property: Recorder
) -> None:
    check(present(case), judge, record_property)


@parameters(own_cases(*KINDS))
def test_own_case_ends_as_written(case: Case, record_property: Recorder) -> None:
    check(case, judge, record_property)
