"""What becomes of a failure: the memo that the failing event carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """Who takes a failure."""

    RETRY = "retry"
    CATCH = "catch"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a failure was resolved, decided once, with the event that it started from.

    `scope` is the scope whose state retries or catches (the root for FAIL). For a retry:
    which retrier, when, and `previous_id`, the event that the next start points to.
    """

    action: Action
    scope: int
    retrier: int = 0
    due: datetime | None = None
    previous_id: int = 0
