"""Cases run over HTTP by a server on PostgreSQL: calls, tested states, executions in real time."""

from __future__ import annotations

from functools import partial

import pytest

from tests.conformance.calls import judge_calls, judge_test_state
from tests.conformance.cases import CALLS, Case, own_cases, recorded_cases
from tests.conformance.conftest import Stage
from tests.conformance.judges import execution_differences
from tests.conformance.lists import is_known_failure, is_undecidable
from tests.conformance.live import LiveRun
from tests.conformance.matching import Matcher
from tests.conformance.memory import run_case
from tests.conformance.reporting import Recorder, check, parameters, present
from tests.conformance.workers import serving_functions

# Executions that need more time than this are run in memory only.
MOST_SECONDS = 2.5


@parameters([*recorded_cases(*CALLS), *own_cases(*CALLS)])
def test_recorded_calls_are_answered_as_recorded(
    case: Case | None, stage: Stage, record_property: Recorder
) -> None:
    stage.forget_machines()
    check(present(case), partial(judge_calls, client=stage.client), record_property)


@parameters([*recorded_cases("test_state"), *own_cases("test_state")])
def test_state_is_tested_as_recorded(
    case: Case | None, stage: Stage, record_property: Recorder
) -> None:
    case = present(case)
    judge = partial(judge_test_state, client=stage.client)
    with serving_functions(stage.endpoint, case):
        check(case, judge, record_property)


def is_quick(case: Case) -> bool:
    """Tell whether a case can be run in real time; its run in memory shows how long it takes."""
    if is_known_failure(case) or is_undecidable(case) or case.services:
        return False
    if case.data.get("partial_history") or case.has_own_time or case.is_stopped:
        return False
    return run_case(case).elapsed <= MOST_SECONDS


@pytest.mark.parametrize("source", [recorded_cases, own_cases])
def test_executions_end_alike_on_a_server(stage: Stage, source: object) -> None:
    assert callable(source)
    if not source("execution"):
        present(None)
    cases = [case for case in source("execution") if is_quick(case)]

    seen = LiveRun(stage.endpoint, cases).run()

    differences = {
        case.name: execution_differences(
            case, seen[case.name], Matcher(case.unverified)
        )
        for case in cases
    }
    assert {name: found for name, found in differences.items() if found} == {}
