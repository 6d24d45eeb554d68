"""What becomes of a failure that somebody takes: the memo that the failing event carries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """How a failure is taken."""

    RETRY = "retry"
    CATCH = "catch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The resolution of a failure, decided once, with the event that it started from.

    `scope` is the scope whose state retries or catches; all below it is gone. For a retry:
    which retrier, when, and `previous_id`, the event that the next start points to. A
    failure that nobody takes needs no memo: its ExecutionFailed follows.
    """

    action: Action
    scope: int
    retrier: int = 0
    due: datetime | None = None
    previous_id: int = 0
