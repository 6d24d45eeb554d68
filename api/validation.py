"""ValidateStateMachineDefinition: the same judgement as CreateStateMachine, told in full."""

from __future__ import annotations

from api.context import Api
from api.definitions import judge_definition
from api.requests import ValidateStateMachineDefinition
from api.wire import Response
from asl.report import Diagnostic, Severity
from runtime.limits import MAX_DIAGNOSTICS


async def validate_state_machine_definition(
    _api: Api, request: ValidateStateMachineDefinition
) -> Response:
    """Judge a definition; ERROR leaves the warnings out, and only errors make it FAIL."""
    diagnostics = await judge_definition(request.definition, request.type)
    errors = [found for found in diagnostics if found.severity is Severity.ERROR]
    wanted = errors if request.severity == "ERROR" else diagnostics
    limit = request.max_results or MAX_DIAGNOSTICS
    return {
        "result": "FAIL" if errors else "OK",
        "diagnostics": [_shown(diagnostic) for diagnostic in wanted[:limit]],
        "truncated": len(wanted) > limit,
    }


def _shown(diagnostic: Diagnostic) -> dict[str, str]:
    shown = {
        "severity": str(diagnostic.severity),
        "code": str(diagnostic.code),
        "message": diagnostic.message,
    }
    if diagnostic.location is not None:
        shown["location"] = diagnostic.location
    return shown
