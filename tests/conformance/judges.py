"""One judge for each kind of case: run it, and tell how it differs from what was recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from runtime.execution import Execution, Status
from tests.conformance.cases import Case
from tests.conformance.histories import history_differences
from tests.conformance.matching import Matcher
from tests.conformance.memory import Run, run_case, run_definition

_RESULTS: Final = ("status", "output", "error", "cause")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case differs, without and with what the source of the data does not compare."""

    lenient: list[str]
    strict: list[str]

    @property
    def passes(self) -> bool:
        """Whether the case counts as passed."""
        return not self.lenient


def judge(case: Case) -> Verdict:
    """Run a case and compare."""
    return _JUDGES[case.kind](case)


def _twice(case: Case, compare: Callable[[Matcher], list[str]]) -> Verdict:
    return Verdict(compare(Matcher(case.unverified)), compare(Matcher()))


def _judge_execution(case: Case) -> Verdict:
    run = run_case(case)
    return _twice(
        case, lambda matcher: execution_differences(case, shown(run), matcher)
    )


def shown(run: Run) -> dict[str, Any]:
    """Return what can be seen of a run."""
    return {**_results(run.execution), "history": run.history}


def _results(execution: Execution) -> dict[str, Any]:
    output = execution.output
    return {
        "status": str(execution.status),
        "output": None if output is None else output.text,
        "error": execution.error,
        "cause": execution.cause,
    }


def execution_differences(
    case: Case, actual: dict[str, Any], matcher: Matcher
) -> list[str]:
    """Compare status, result and history; a partial history with as much of the actual one."""
    expected = case.expected
    history = expected.get("history")
    found: list[str] = []
    if case.data.get("partial_history"):
        assert history is not None
        return history_differences(history, actual["history"][: len(history)], matcher)
    for name in _RESULTS:
        if name == "status" or expected.get("status") != Status.RUNNING:
            found += matcher.differences(expected.get(name), actual[name], (name,))
    if history is not None:
        found += history_differences(history, actual["history"], matcher)
    return found


def _judge_express(case: Case) -> Verdict:
    """Call the functions themselves: an Express case has no history that tells their answers."""
    run = run_case(case)
    actual = _results(run.execution)
    recorded = case.expected.get("response", case.expected)
    if "last_log_event" in recorded:
        wanted, given = recorded["last_log_event"], _logged(run)
    else:
        wanted, given = recorded, actual
    members = [name for name in given if name in wanted or given[name] is not None]
    return _twice(
        case,
        lambda matcher: [
            difference
            for name in members
            for difference in matcher.differences(
                wanted.get(name), given[name], (name,)
            )
        ],
    )


def _logged(run: Run) -> dict[str, Any]:
    """Return the last event as an Express execution logs it."""
    event = run.history[-1]
    details = next((value for value in event.values() if isinstance(value, dict)), {})
    return {
        "id": str(event["id"]),
        "previous_event_id": str(event["previousEventId"]),
        "type": event["type"],
        "details": details,
    }


def _judge_table(case: Case) -> Verdict:
    found: list[str] = []
    for index, run in enumerate(case.data["runs"]):
        execution = run_definition(run["definition"], run["input"]).execution
        output = None if execution.output is None else execution.output.text
        found += Matcher().differences(run["expected_output"], output, ("runs", index))
    return Verdict(found, found)


_JUDGES: Final[dict[str, Callable[[Case], Verdict]]] = {
    "execution": _judge_execution,
    "express_sync": _judge_express,
    "express_async": _judge_express,
    "io_table": _judge_table,
}
