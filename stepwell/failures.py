"""What a workflow sees of a function that failed: an error name and a cause.

The cause is the JSON text that AWS Lambda's Python runtime would have returned, so
that definitions written for Lambda keep working.
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import orjson

UNKNOWN = "Lambda.Unknown"
EXIT = "Runtime.ExitError"
MARSHAL = "Runtime.MarshalError"
TOO_LARGE = "Function.ResponseSizeTooLarge"

_OURS = str(Path(__file__).parent)
_CAUSE_CHARACTERS = 32_768  # the service's limit for a cause
_ERROR_CHARACTERS = 256
_MESSAGE_CHARACTERS = 8_192
_FIRST_FRAMES, _LAST_FRAMES = 10, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The error and the cause that end an attempt."""

    error: str
    cause: str


def failure_of(exception: BaseException, attempt_id: str) -> Failure:
    """Describe an exception that left a function."""
    if isinstance(exception, SystemExit | KeyboardInterrupt):
        return failure(EXIT, _exit_message(exception), attempt_id)
    return failure(
        error_name(exception),
        _message(exception),
        attempt_id,
        stack_trace(exception.__traceback__),
    )


def failure(
    error: str, message: str, attempt_id: str, stack: Sequence[str] = ()
) -> Failure:
    """Put a failure together, within the service's limits."""
    cause = _cause(error, message, attempt_id, stack)
    if len(cause) > _CAUSE_CHARACTERS:
        cause = _cause(error, message[:_MESSAGE_CHARACTERS], attempt_id, ())
    return Failure(error=error[:_ERROR_CHARACTERS], cause=cause[:_CAUSE_CHARACTERS])


def error_name(exception: BaseException) -> str:
    """Name the error: the `error_name` of the exception, or else of its class."""
    name = getattr(exception, "error_name", None)
    return name if isinstance(name, str) and name else type(exception).__name__


def stack_trace(trace: TracebackType | None) -> list[str]:
    """Format the frames of the user's code as AWS Lambda does, the outermost first."""
    frames = traceback.extract_tb(trace)
    while frames and frames[0].filename.startswith(_OURS):
        del frames[0]
    lines = traceback.format_list(
        [
            (frame.filename, frame.lineno or 0, frame.name, frame.line)
            for frame in frames
        ]
    )
    left_out = len(lines) - _FIRST_FRAMES - _LAST_FRAMES
    if left_out > 0:
        note = f"  [{left_out} frames left out]\n"
        lines[_FIRST_FRAMES:-_LAST_FRAMES] = [note]
    return lines


def _cause(error: str, message: str, attempt_id: str, stack: Sequence[str]) -> str:
    document = {
        "errorMessage": _clean(message),
        "errorType": _clean(error),
        "requestId": attempt_id,
        "stackTrace": [_clean(line) for line in stack],
    }
    return orjson.dumps(document).decode()


def _clean(text: str) -> str:
    """Replace lone surrogates, which no JSON text may carry as they are."""
    return text.encode(errors="replace").decode()


def _message(exception: BaseException) -> str:
    try:
        return str(exception)
    except Exception as error:  # noqa: BLE001  the user's __str__ may do anything
        return f"<{type(error).__name__} while describing the exception>"


def _exit_message(exception: BaseException) -> str:
    if isinstance(exception, KeyboardInterrupt):
        return "Error: Runtime exited with error: KeyboardInterrupt"
    code = exception.code if isinstance(exception, SystemExit) else None
    if code is None or code == 0:
        return "Error: Runtime exited without providing a reason"
    if isinstance(code, int):
        return f"Error: Runtime exited with error: exit status {code}"
    return f"Error: Runtime exited with error: {code}"
