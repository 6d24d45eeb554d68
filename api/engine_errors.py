"""What the engine and the storage raise, as the public errors that a caller understands."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from psycopg import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

from api.context import Api
from api.errors import (
    ActivityWorkerLimitExceeded,
    ApiError,
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    InvalidToken,
    ServiceUnavailable,
    TaskDoesNotExist,
    TaskTimedOut,
    ThrottlingException,
)
from engine import errors as engine_errors

T = TypeVar("T")

_PUBLIC: Final[Mapping[type[Exception], tuple[type[ApiError], str]]] = {
    engine_errors.ExecutionExistsError: (
        ExecutionAlreadyExists,
        "Execution Already Exists: '{}'",
    ),
    engine_errors.ExecutionMissingError: (
        ExecutionDoesNotExist,
        "Execution Does Not Exist: '{}'",
    ),
    engine_errors.TokenInvalidError: (InvalidToken, "Invalid Token: 'Invalid token'"),
    engine_errors.TaskClosedError: (
        TaskTimedOut,
        "Task Timed Out: 'Provided task does not exist anymore'",
    ),
    engine_errors.TaskMissingError: (
        TaskDoesNotExist,
        "Task Does Not Exist: 'Provided task does not exist'",
    ),
    engine_errors.PollersFullError: (
        ActivityWorkerLimitExceeded,
        "Activity Worker Limit Exceeded: '{}'",
    ),
    engine_errors.BusyError: (ThrottlingException, "Rate exceeded"),
    engine_errors.UnansweredError: (
        ServiceUnavailable,
        "No engine answered in time; the same request again finds the answer.",
    ),
    PoolTimeout: (ThrottlingException, "Rate exceeded"),
    InterfaceError: (ServiceUnavailable, "The database cannot be reached."),
    OperationalError: (ServiceUnavailable, "The database cannot be reached."),
}


async def with_public_errors(
    function: Callable[[Api, Any], Coroutine[Any, Any, T]], api: Api, request: Any
) -> T:
    """Run an operation; raise the public error for what the parts below raised."""
    try:
        return await function(api, request)
    except tuple(_PUBLIC) as error:
        raise public_error(error) from error


def public_error(error: Exception) -> ApiError:
    """Return the public error for one of the parts below."""
    kind = next(kind for kind in type(error).__mro__ if kind in _PUBLIC)
    public, message = _PUBLIC[kind]
    return public(message.format(error.args[0] if error.args else ""))
