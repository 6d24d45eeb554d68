"""Try one state: evaluate it with its mock, and tell how it would have ended.

The stages run in the order in which an execution runs them. An error, mocked or of an
expression, is offered to the state's Retry and then to its Catch; the retriers have been used
as often as the caller says. A Map of which more iterations have failed than it tolerates fails
by that; one that says nothing of tolerance takes its mocked result (recorded).
"""

from __future__ import annotations

from typing import Final, TypeAlias

from asl.errors import StatesError
from asl.model import (
    ChoiceState,
    Environment,
    FailState,
    MapState,
    Outcome,
    ParallelState,
    PassState,
    SucceedState,
    TaskState,
    Tolerance,
    WaitState,
)
from asl.payload import Json, Payload
from runtime.failing import Trouble
from runtime.leaving import is_too_large, too_large
from runtime.map_runs import THRESHOLD, THRESHOLD_CAUSE
from runtime.retry import DATA_LIMIT, RUNTIME
from runtime.teststate.batches import cut_batches
from runtime.teststate.handling import choose_catcher, choose_retrier, retry_delay
from runtime.teststate.inspection import Inspection
from runtime.teststate.map_items import read_items
from runtime.teststate.mocks import MockedError
from runtime.teststate.trial import Trial, TrialResult, TrialStatus

_COUNT: Final = "ToleratedFailureCount"
_PERCENTAGE: Final = "ToleratedFailurePercentage"


def run_trial(trial: Trial) -> TrialResult:
    """Try the state."""
    return _Run(trial).result()


_Left: TypeAlias = tuple[Outcome, str | None]


class _FailedError(Exception):
    """The state has failed, by what it says or what is mocked."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.error)
        self.trouble = trouble


class _Run:
    """One trial under way."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.state = trial.subject.state
        self.inspection = Inspection(trial.subject, trial.input)
        self.worked: Payload | None = None
        self.variables = Payload.of_value({**trial.variables})

    def result(self) -> TrialResult:
        """Run the state; let its handlers have what goes wrong."""
        try:
            outcome, next_state = self._leave()
        except _FailedError as failed:
            self._complete()
            return self._handled(failed.trouble)
        except StatesError as error:
            self._complete()
            return self._handled(_trouble(error))
        self._complete()
        return self._left(TrialStatus.SUCCEEDED, outcome, next_state)

    def _leave(self) -> _Left:
        outcome, next_state = self._evaluate()
        self._settle(outcome)
        return outcome, next_state

    def _settle(self, outcome: Outcome) -> None:
        """Check what the state leaves behind, and take over what it has assigned."""
        if is_too_large(outcome.output):
            raise too_large(self.state.name)
        variables = {**self.trial.variables, **(outcome.assigned or {})}
        self.variables = Payload.of_text(Payload.of_value(variables).text)

    def _evaluate(self) -> _Left:
        state = self.state
        match state:
            case TaskState():
                return self._task(state), state.next
            case MapState():
                return self._map(state), state.next
            case ParallelState():
                return self._parallel(state), state.next
            case PassState():
                return self._pass(state), state.next
            case WaitState():
                state.due(self._environment(), self.trial.now)
                return state.leave(self._environment()), state.next
            case ChoiceState():
                next_state, outcome = state.choose(self._environment())
                return outcome, next_state
            case SucceedState():
                return state.leave(self._environment()), None
            case FailState():
                error, cause = state.failure(self._environment())
                raise _FailedError(Trouble(error=error, cause=cause))

    def _task(self, state: TaskState) -> Outcome:
        environment = self._environment()
        state.arguments(environment)
        for evaluate in (
            state.timeout_seconds,
            state.heartbeat_seconds,
            state.credentials,
        ):
            if evaluate is not None:
                evaluate(environment)
        result = self._work()
        self.inspection.show_result(result)
        return state.leave(self._environment(result))

    def _parallel(self, state: ParallelState) -> Outcome:
        state.arguments(self._environment())
        return state.leave(self._environment(self._work()))

    def _pass(self, state: PassState) -> Outcome:
        if "Result" in self.trial.subject.fields:
            self.worked = Payload.of_value(self.trial.subject.fields["Result"])
            self.inspection.show_result(self.worked)
        return state.leave(self._environment())

    def _map(self, state: MapState) -> Outcome:
        environment = self._environment()
        items = self._items(state, environment)
        numbers, fields = self.inspection.numbers, self.trial.subject
        numbers["maxConcurrency"] = state.max_concurrency(environment)
        tolerance = state.tolerance(environment)
        if fields.mentions(_COUNT):
            numbers["toleratedFailureCount"] = tolerance.count
        if fields.mentions(_PERCENTAGE):
            numbers["toleratedFailurePercentage"] = float(tolerance.percentage)
        items = self._select(state, items)
        batches = cut_batches(self.trial.subject, items, environment)
        if batches is not None:
            self.inspection.show("afterItemBatcher", Payload.of_value(batches))
        if not isinstance(self.trial.mock, MockedError):
            self._check_threshold(tolerance, len(items))
        return state.leave(self._environment(self._work()))

    def _items(self, state: MapState, environment: Environment) -> list[Json]:
        subject, data = self.trial.subject, self.trial.reader_data
        if "ItemReader" not in subject.fields:
            return state.items(environment)
        if data is None:
            return []
        return read_items(subject, data, self.inspection) or []

    def _select(self, state: MapState, items: list[Json]) -> list[Json]:
        """Make the input of each iteration, where a selector says how."""
        fields = self.trial.subject.fields
        if "ItemSelector" not in fields and "Parameters" not in fields:
            return items
        inputs = [
            state.item_input(self._environment(item=(index, item)), index, item).value
            for index, item in enumerate(items)
        ]
        self.inspection.show("afterItemSelector", Payload.of_value(inputs))
        return inputs

    def _check_threshold(self, tolerance: Tolerance, items: int) -> None:
        fields, failed = self.trial.subject, self.trial.failed_iterations
        too_many = fields.mentions(_COUNT) and failed > tolerance.count
        share = 100 * failed / items if items else 0.0
        too_large_a_share = (
            fields.mentions(_PERCENTAGE) and share > tolerance.percentage
        )
        if too_many or too_large_a_share:
            raise _FailedError(Trouble(error=THRESHOLD, cause=THRESHOLD_CAUSE))

    def _work(self) -> Payload:
        """Return what the state's work yields; raise what it fails with."""
        mock = self.trial.mock
        assert mock is not None, "work of a state is mocked, or its function was called"
        if isinstance(mock, MockedError):
            raise _FailedError(Trouble(error=mock.error, cause=mock.cause))
        self.worked = mock.payload
        return mock.payload

    def _environment(
        self,
        result: Payload | None = None,
        *,
        error_output: Payload | None = None,
        item: tuple[int, Json] | None = None,
    ) -> Environment:
        trial = self.trial
        return Environment(
            input=trial.input,
            context=lambda: _with_item(trial.context, item),
            variables=trial.variables,
            now=trial.now,
            entropy=trial.entropy,
            result=result,
            error_output=error_output,
            trace=self.inspection.trace,
        )

    def _complete(self) -> None:
        """Fill in the stages that were passed without a trace."""
        fields = self.trial.subject.fields
        if "Result" not in fields:
            passed = self.inspection.complete_input()
            if isinstance(self.state, PassState):
                self.worked = passed
        if self.worked is not None:
            self.inspection.complete_result(self.worked)

    def _handled(self, trouble: Trouble) -> TrialResult:
        """Offer an error to Retry, then to Catch."""
        if not trouble.is_catchable or not self.trial.subject.is_retriable:
            return self._failed(trouble)
        details, trial = self.inspection.error_details, self.trial
        retry = choose_retrier(self.state, trouble)
        if retry is not None:
            index, retrier = retry
            details["retryIndex"] = index
            if trial.retry_count < retrier.max_attempts:
                delay = retry_delay(retrier, trial.retry_count, trial.entropy)
                details["retryBackoffIntervalSeconds"] = delay
                return self._ended(TrialStatus.RETRIABLE, trouble)
        return self._caught(trouble)

    def _caught(self, trouble: Trouble) -> TrialResult:
        found = choose_catcher(self.state, trouble)
        if found is None:
            return self._failed(trouble)
        index, catcher = found
        try:
            outcome = catcher.leave(self._environment(error_output=trouble.output()))
            self._settle(outcome)
        except StatesError as error:
            return self._failed(_trouble(error))
        self.inspection.error_details["catchIndex"] = index
        return self._left(TrialStatus.CAUGHT_ERROR, outcome, catcher.next, trouble)

    def _left(
        self,
        status: TrialStatus,
        outcome: Outcome,
        next_state: str | None,
        trouble: Trouble | None = None,
    ) -> TrialResult:
        return TrialResult(
            status=status,
            inspection=self.inspection,
            output=outcome.output,
            next_state=next_state,
            error=None if trouble is None else trouble.error,
            cause=None if trouble is None else trouble.cause,
            variables=self.variables,
        )

    def _failed(self, trouble: Trouble) -> TrialResult:
        return self._ended(TrialStatus.FAILED, trouble)

    def _ended(self, status: TrialStatus, trouble: Trouble) -> TrialResult:
        return TrialResult(
            status=status,
            inspection=self.inspection,
            error=trouble.error,
            cause=trouble.cause,
            variables=self.variables,
        )


def _trouble(error: StatesError) -> Trouble:
    is_catchable = error.error not in (RUNTIME, DATA_LIMIT)
    return Trouble(error=error.error, cause=error.cause, is_catchable=is_catchable)


def _with_item(
    context: dict[str, Json], item: tuple[int, Json] | None
) -> dict[str, Json]:
    if item is None:
        return context
    return {**context, "Map": {"Item": {"Index": item[0], "Value": item[1]}}}
