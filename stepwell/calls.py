"""One call of a function for one attempt, from its event to the item of a report.

Whatever a function does (returns, raises, exits, returns what is not JSON) ends as one
item: an output, or an error with its cause. Items are encoded here, on the thread that
ran the function, so that the thread which talks to the server only joins bytes.
"""

import asyncio
import inspect

import orjson

from stepwell import exactjson
from stepwell.context import Context, Delivery, enter
from stepwell.failures import (
    MARSHAL,
    TOO_LARGE,
    UNKNOWN,
    Failure,
    failure,
    failure_of,
)
from stepwell.tasks import TaskFunction

MAX_OUTPUT_BYTES = 6 * 1024 * 1024  # of a Lambda response


class Call:
    """An attempt that this worker has in hand."""

    __slots__ = ("asyncio_task", "begun", "context", "delivery", "function", "token")

    def __init__(
        self, function: TaskFunction, delivery: Delivery, context: Context
    ) -> None:
        self.function = function
        self.delivery = delivery
        self.context = context
        self.token = delivery["token"]
        self.begun = False
        self.asyncio_task: asyncio.Task[None] | None = None


def run_sync(call: Call) -> bytes:
    """Run a plain function to its end; returns the item to report."""
    enter(call.context)
    try:
        result = _invoke(call)
    except BaseException as error:  # noqa: BLE001  also exits must be reported
        return failed(call.token, failure_of(error, call.context.attempt_id))
    return returned(call, result)


async def run_async(call: Call) -> bytes:
    """Run an async function to its end; returns the item to report."""
    enter(call.context)
    try:
        result = _invoke(call)
        if inspect.isawaitable(result):
            result = await result
    except BaseException as error:  # noqa: BLE001  also exits must be reported
        return failed(call.token, failure_of(error, call.context.attempt_id))
    return returned(call, result)


def returned(call: Call, result: object) -> bytes:
    """Encode what a function returned, or the failure to do so."""
    try:
        output = exactjson.dumps(result)
    except Exception as error:  # noqa: BLE001  values may run code of the user
        message = f"Unable to marshal response: {error}"
        return failed(call.token, failure(MARSHAL, message, call.context.attempt_id))
    if len(output) > MAX_OUTPUT_BYTES:
        return failed(call.token, _too_large(len(output), call.context.attempt_id))
    return b'{"token":%b,"output":%b}' % (orjson.dumps(call.token), output)


def failed(token: str, what: Failure) -> bytes:
    """Encode the failure of an attempt."""
    return orjson.dumps({"token": token, "error": what.error, "cause": what.cause})


def not_run(delivery: Delivery, why: str) -> bytes:
    """Encode the end of an attempt that this worker does not run, or not to its end."""
    return failed(delivery["token"], failure(UNKNOWN, why, delivery["attemptId"]))


def _invoke(call: Call) -> object:
    call.begun = True  # before the look at `cancelled`: see Crew.abandon
    if call.context.cancelled:
        raise asyncio.CancelledError
    function = call.function
    if function.takes_context:
        return function.call(call.delivery["input"], call.context)
    return function.call(call.delivery["input"])


def _too_large(size: int, attempt_id: str) -> Failure:
    message = (
        f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
        f"({MAX_OUTPUT_BYTES} bytes)."
    )
    return failure(TOO_LARGE, message, attempt_id)
