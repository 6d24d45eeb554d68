"""How a tested state ends, and who handles its errors."""

from __future__ import annotations

from typing import Any

import pytest

from runtime.teststate.trial import TrialResult, TrialStatus
from tests.support.trials import each, stages, subject, task, tried


def output(found: TrialResult) -> Any:
    assert found.output is not None
    return found.output.value


def test_task_yields_its_mocked_result_and_leads_on() -> None:
    state = subject(
        Type="Task",
        Resource="arn:aws:states:::lambda:invoke",
        ResultPath="$.found",
        Next="Elsewhere",
    )

    found = tried(state, {"a": 1}, result={"b": 2})

    assert found.status is TrialStatus.SUCCEEDED
    assert output(found) == {"a": 1, "found": {"b": 2}}
    assert found.next_state == "Elsewhere"


def test_choice_tells_where_it_leads() -> None:
    rule = {"Variable": "$.cost", "NumericLessThan": 10, "Next": "Cheap"}
    state = subject(Type="Choice", Choices=[rule], Default="Dear")

    assert tried(state, {"cost": 9}).next_state == "Cheap"
    assert tried(state, {"cost": 10}).next_state == "Dear"


def test_fail_state_fails_with_what_it_says() -> None:
    found = tried(subject(Type="Fail", Error="Broken", Cause="for good"))

    assert found.status is TrialStatus.FAILED
    assert (found.error, found.cause) == ("Broken", "for good")


def test_wait_is_not_waited_for() -> None:
    found = tried(subject(Type="Wait", Seconds=3600, Next="Later"), [1])

    assert found.status is TrialStatus.SUCCEEDED
    assert output(found) == [1]


def test_failed_expression_is_told_without_the_words_of_a_history() -> None:
    found = tried(subject(Type="Pass", InputPath="$.missing", End=True))

    assert found.status is TrialStatus.FAILED
    assert found.error == "States.Runtime"
    assert "entered at" not in (found.cause or "")


@pytest.mark.parametrize(("used", "seconds"), [(0, 2), (1, 6), (2, 18)])
def test_retry_tells_its_place_and_delay(used: int, seconds: int) -> None:
    retry = [
        {"ErrorEquals": ["Other"]},
        {"ErrorEquals": ["Broken"], "IntervalSeconds": 2, "BackoffRate": 3},
    ]

    found = tried(task(Retry=retry), error="Broken", retry_count=used)

    assert found.status is TrialStatus.RETRIABLE
    assert found.inspection.error_details == {
        "retryIndex": 1,
        "retryBackoffIntervalSeconds": seconds,
    }
    assert found.output is None


def test_used_up_retry_is_named_and_fails() -> None:
    retry = [{"ErrorEquals": ["Broken"], "MaxAttempts": 2}]

    found = tried(task(Retry=retry), error="Broken", retry_count=2)

    assert found.status is TrialStatus.FAILED
    assert found.inspection.error_details == {"retryIndex": 0}


def test_catcher_sees_the_error_and_leads_on() -> None:
    catch = [
        {"ErrorEquals": ["Other"], "Next": "A"},
        {"ErrorEquals": ["States.ALL"], "Next": "B", "ResultPath": "$.error"},
    ]

    found = tried(task(Catch=catch), {"a": 1}, error="Broken")

    assert found.status is TrialStatus.CAUGHT_ERROR
    assert found.inspection.error_details == {"catchIndex": 1}
    assert found.next_state == "B"
    assert output(found) == {"a": 1, "error": {"Error": "Broken", "Cause": "told so"}}


def test_runtime_errors_are_not_caught() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]

    found = tried(task(Catch=catch, InputPath="$.missing"), result={})

    assert found.status is TrialStatus.FAILED
    assert found.error == "States.Runtime"


def test_variables_are_those_given_and_those_assigned() -> None:
    state = subject(Type="Pass", Assign={"b.$": "$.x", "c": 3}, End=True)

    found = tried(state, {"x": 2}, variables={"a": 1, "b": 0})

    assert found.variables.value == {"a": 1, "b": 2, "c": 3}


def test_output_over_the_limit_fails() -> None:
    found = tried(task(), result="x" * 262_144)

    assert found.error == "States.DataLimitExceeded"


@pytest.mark.parametrize(
    ("failed", "tolerance", "is_over"),
    [
        (2, {"ToleratedFailureCount": 2}, False),
        (3, {"ToleratedFailureCount": 2}, True),
        (2, {"ToleratedFailurePercentage": 50}, False),
        (3, {"ToleratedFailurePercentage": 50}, True),
        (4, {}, False),
    ],
)
def test_map_fails_above_the_tolerance_it_states(
    failed: int, tolerance: dict[str, int], is_over: bool
) -> None:
    found = tried(each(**tolerance), [1, 2, 3, 4], result=[0], failed_iterations=failed)

    assert (found.error == "States.ExceedToleratedFailureThreshold") is is_over


def test_map_shows_the_input_of_every_iteration() -> None:
    selector = {"n.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"}

    found = tried(
        each(ItemsPath="$.all", ItemSelector=selector), {"all": [7]}, result=[1]
    )

    assert stages(found)["afterItemsPath"] == [7]
    assert stages(found)["afterItemSelector"] == [{"n": 7, "i": 0}]
    assert found.inspection.numbers == {"maxConcurrency": 0}
