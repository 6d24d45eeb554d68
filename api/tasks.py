"""Callbacks: how somebody outside ends a waiting task, or keeps it alive."""

from __future__ import annotations

from api.context import Api
from api.payloads import check_output
from api.requests import SendTaskFailure, SendTaskHeartbeat, SendTaskSuccess
from api.wire import Response


async def send_task_success(api: Api, request: SendTaskSuccess) -> Response:
    """End a waiting task with its output."""
    output = check_output(request.output)
    await api.engine.send_task_success(request.task_token, output, api.caller.principal)
    return {}


async def send_task_failure(api: Api, request: SendTaskFailure) -> Response:
    """End a waiting task with an error."""
    await api.engine.send_task_failure(
        request.task_token, request.error, request.cause, api.caller.principal
    )
    return {}


async def send_task_heartbeat(api: Api, request: SendTaskHeartbeat) -> Response:
    """Tell that a waiting task is alive."""
    await api.engine.send_task_heartbeat(request.task_token)
    return {}
