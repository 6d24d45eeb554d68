"""Whether a text that a caller sends may be an execution's input or a task's output."""

from __future__ import annotations

from api.errors import InvalidExecutionInput, InvalidOutput
from api.shapes import broken_constraint
from asl.errors import PayloadError
from asl.jsontext import loads
from runtime.limits import MAX_DATA_BYTES


def check_input(text: str) -> str:
    """Return an input that is JSON and not too large; refuse any other."""
    _check_size(text, "input")
    try:
        loads(text)
    except PayloadError as error:
        msg = f"Invalid State Machine Execution Input: '{error}'"
        raise InvalidExecutionInput(msg) from None
    return text


def check_output(text: str) -> str:
    """Return an output that is JSON and not too large; refuse any other."""
    _check_size(text, "output")
    try:
        loads(text)
    except PayloadError as error:
        msg = f"Invalid Output: '{error}'"
        raise InvalidOutput(msg) from None
    return text


def _check_size(text: str, member: str) -> None:
    """Bound the bytes; the model bounds the characters."""
    if not text.isascii() and len(text.encode()) > MAX_DATA_BYTES:
        raise broken_constraint(
            member, f"Member must have length less than or equal to {MAX_DATA_BYTES}"
        )
