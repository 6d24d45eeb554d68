"""Stepwell for Python: serve functions to workflows, and start and follow executions."""

from typing import TYPE_CHECKING

from stepwell.context import Context, context
from stepwell.errors import ApiError, ExecutionFailedError, UnreachableError
from stepwell.tasks import task

if TYPE_CHECKING:
    from stepwell.asyncclient import AsyncClient
    from stepwell.client import Client
    from stepwell.operations import Execution
    from stepwell.worker import Worker

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "Context",
    "Execution",
    "ExecutionFailedError",
    "UnreachableError",
    "Worker",
    "context",
    "task",
]

# Loaded on first use: an application that only decorates functions needs no HTTP.
_LAZY = {
    "AsyncClient": "stepwell.asyncclient",
    "Client": "stepwell.client",
    "Execution": "stepwell.operations",
    "Worker": "stepwell.worker",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        msg = f"module 'stepwell' has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    value: object = getattr(import_module(_LAZY[name]), name)
    return value
