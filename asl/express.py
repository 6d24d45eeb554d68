"""What an Express machine may not have: callbacks, jobs, activities, distributed maps."""

from __future__ import annotations

from typing import Final

from asl.model import Pattern, ResourceKind
from asl.payload import Json
from asl.report import Report
from asl.resources import parse_resource
from asl.walk import Placed, all_states, subregions

_PATTERNS: Final = {
    Pattern.SYNC: "Express state machine does not support '.sync' service integration",
    Pattern.SYNC_2: "Express state machine does not support '.sync' service integration",
    Pattern.WAIT_FOR_TASK_TOKEN: (
        "Express state machine does not support '.waitForTaskToken' service integration "
    ),
}


def check_express(definition: dict[str, Json], report: Report) -> None:
    """Report every state that cannot run in an Express machine."""
    for state in all_states(definition):
        _check_resource(state, report)
        _check_processor(state, report)


def _check_resource(state: Placed, report: Report) -> None:
    arn = state.fields.get("Resource")
    resource = parse_resource(arn) if isinstance(arn, str) else None
    if resource is None or state.fields.get("Type") != "Task":
        return
    location = (*state.location, "Resource")
    if resource.kind is ResourceKind.ACTIVITY:
        report.error("Express state machine does not support Activity ARN", location)
    elif resource.pattern in _PATTERNS:
        report.error(_PATTERNS[resource.pattern], location)


def _check_processor(state: Placed, report: Report) -> None:
    if state.fields.get("Type") != "Map":
        return
    for processor in subregions(state):
        config = processor.fields.get("ProcessorConfig")
        if isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED":
            message = "Express state machine does not support DISTRIBUTED mode of Map"
            report.error(message, (*processor.location, "ProcessorConfig", "Mode"))
