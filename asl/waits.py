"""When a Wait ends, whatever language said so, and the longest wait there is.

A Seconds that stands in the definition is refused beyond 99,999,999, when the machine is
made. What comes from the input, or as a Timestamp, fails the state beyond 2^31 - 1 seconds:
24,855 days pass, 24,856 do not (recorded).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from asl.errors import StatesError
from asl.fields import MAX_SECONDS, Fields
from asl.language import Due
from asl.model import Environment
from asl.timestamps import parse_timestamp

LONGEST_WAIT: Final = timedelta(seconds=2**31 - 1)


def end_of_wait(entered: datetime, due: datetime) -> datetime:
    """Return the end, or fail when it lies too far ahead."""
    if due - entered > LONGEST_WAIT:
        raise _too_long()
    return due


def after_seconds(entered: datetime, seconds: int) -> datetime:
    """Return the moment a number of seconds later, or fail when it lies too far ahead."""
    if seconds > LONGEST_WAIT.total_seconds():
        raise _too_long()
    try:
        return entered + timedelta(seconds=seconds)
    except OverflowError:
        raise _too_long() from None


def _too_long() -> StatesError:
    return StatesError("States.Runtime", "Wait state delay is too long.")


def at_once(_environment: Environment, entered: datetime) -> datetime:
    """End a wait as it begins: what a refused definition compiles to."""
    return entered


def only_field(fields: Fields, names: tuple[str, ...]) -> str | None:
    """Return which of the fields says how long to wait; report when it is not just one."""
    given = [name for name in names if name in fields]
    if len(given) == 1:
        return given[0]
    listed = ", ".join(names)
    message = f"Exactly one of these fields is required: [{listed}]"
    fields.report.error(message, fields.location)
    return None


def fixed_seconds(fields: Fields) -> Due:
    """Compile a literal Seconds."""
    seconds = fields.integer("Seconds", 0, MAX_SECONDS) or 0
    return lambda _environment, entered: after_seconds(entered, seconds)


def fixed_moment(fields: Fields) -> Due:
    """Compile a literal Timestamp."""
    text = fields.text("Timestamp")
    moment = None if text is None else parse_timestamp(text)
    if moment is None:
        if text is not None:
            fields.refuse("Timestamp", "String does not match RFC3339 timestamp")
        return at_once
    return lambda _environment, entered: end_of_wait(entered, moment)
