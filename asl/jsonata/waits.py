"""Seconds and Timestamp of a Wait in JSONata mode, and whole numbers by expression."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from asl.jsonata.expression import Evaluate, evaluation_failed
from asl.jsontext import dumps
from asl.language import Due
from asl.model import Environment, Seconds
from asl.timestamps import parse_timestamp
from asl.waits import after_seconds, end_of_wait


def whole(number: Callable[[Environment], float], field: str, least: int) -> Seconds:
    """Require that a number is an integer and not too small."""

    def read(environment: Environment) -> int:
        value = number(environment)
        if value == int(value) and value >= least:
            return int(value)
        wanted = "a non-negative" if least == 0 else "a positive"
        cause = f"The {field} field must be {wanted} integer, but was: {dumps(value)}"
        raise evaluation_failed(cause, field)

    return read


def seconds_due(seconds: Seconds) -> Due:
    """End a wait a number of seconds after it began."""
    return lambda environment, entered: after_seconds(entered, seconds(environment))


def timestamp_due(evaluate: Evaluate) -> Due:
    """End a wait at the moment that an expression yields."""

    def due(environment: Environment, entered: datetime) -> datetime:
        value = evaluate(environment)
        moment = parse_timestamp(value) if isinstance(value, str) else None
        if moment is None:
            cause = (
                "The Timestamp field cannot be parsed as an ISO-8601 extended offset "
                f"date-time format string: {value}"
            )
            raise evaluation_failed(cause, "Timestamp")
        return end_of_wait(entered, moment)

    return due
