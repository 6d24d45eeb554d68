"""Retry and Catch."""

from __future__ import annotations

from typing import Final

from asl.fields import MAX_SECONDS, Fields
from asl.language import QueryLanguage
from asl.model import Catcher, Retrier
from asl.payload import Json

MAX_DELAY_SECONDS: Final = 31_622_400
_ALL: Final = "States.ALL"
_RETRIER_FIELDS: Final = frozenset(
    {
        "Comment",
        "ErrorEquals",
        "IntervalSeconds",
        "MaxAttempts",
        "BackoffRate",
        "MaxDelaySeconds",
        "JitterStrategy",
    }
)
_CATCHER_FIELDS: Final = frozenset({"Comment", "ErrorEquals", "Next", "Assign"})
_LEFT_BY: Final = {"JSONPath": ("ResultPath",), "JSONata": ("Output",)}


def parse_retriers(state: Fields) -> tuple[Retrier, ...]:
    """Read Retry."""
    entries = list(state.objects("Retry"))
    _check_all_is_last(entries)
    return tuple(_retrier(entry) for entry in entries)


def _retrier(entry: Fields) -> Retrier:
    entry.allow(_RETRIER_FIELDS)
    interval = entry.integer("IntervalSeconds", 1, MAX_SECONDS)
    attempts = entry.integer("MaxAttempts", 0, MAX_SECONDS)
    backoff = entry.number("BackoffRate", 1.0, float("inf"))
    longest = entry.integer("MaxDelaySeconds", 1, MAX_DELAY_SECONDS)
    interval = 1 if interval is None else interval
    if longest is not None and longest <= interval:
        entry.refuse(
            "MaxDelaySeconds", "MaxDelaySeconds must be greater than IntervalSeconds"
        )
    entry.require("ErrorEquals")
    return Retrier(
        errors=_errors(entry),
        interval_seconds=interval,
        max_attempts=3 if attempts is None else attempts,
        backoff_rate=2.0 if backoff is None else float(backoff),
        max_delay_seconds=longest,
        jitter=_jitter(entry),
    )


def _jitter(entry: Fields) -> bool:
    return entry.choice("JitterStrategy", ("FULL", "NONE")) == "FULL"


def parse_catchers(state: Fields, language: QueryLanguage) -> tuple[Catcher, ...]:
    """Read Catch."""
    entries = list(state.objects("Catch"))
    _check_all_is_last(entries)
    return tuple(_catcher(entry, language) for entry in entries)


def _catcher(entry: Fields, language: QueryLanguage) -> Catcher:
    entry.allow_in(language.name, _CATCHER_FIELDS, _LEFT_BY)
    entry.require("ErrorEquals", "Next")
    return Catcher(
        errors=_errors(entry),
        next=entry.text("Next") or "",
        leave=language.leave_caught(entry),
    )


def _errors(entry: Fields) -> tuple[str, ...]:
    errors = entry.texts("ErrorEquals")
    if not errors and entry.raw("ErrorEquals") == []:
        entry.refuse("ErrorEquals", "Value cannot be empty")
    return errors


def _check_all_is_last(entries: list[Fields]) -> None:
    for number, entry in enumerate(entries, 1):
        errors: Json = entry.raw("ErrorEquals")
        if not isinstance(errors, list) or _ALL not in errors:
            continue
        if len(errors) > 1 or number < len(entries):
            location = entry.at("ErrorEquals", errors.index(_ALL))
            message = f"{_ALL} must appear alone and at end of list"
            entry.report.error(message, location)
