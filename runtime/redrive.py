"""Redrive: an execution that ended badly goes on from what had not ended well.

Who may be redriven is decided here for everybody: by `react`, whose word counts, and by the
API, which also tells it of executions that nobody has asked to redrive. What is kept of an
execution, and how it goes on, is in `evolve`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from runtime import events as ev
from runtime import stimuli as st
from runtime.draft import Draft
from runtime.execution import Execution, Status
from runtime.limits import (
    EXPRESS_MAX_OPEN_TIME,
    MAX_EVENTS_FOR_REDRIVE,
    MAX_OPEN_TIME,
    REDRIVE_TOKEN_LIFETIME,
    REDRIVE_WINDOW,
)
from runtime.stimuli import Verdict

REDRIVABLE: Final = frozenset({Status.FAILED, Status.ABORTED, Status.TIMED_OUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What of an execution decides whether it may be redriven; open ones never stopped."""

    status: str
    started: datetime
    stopped: datetime | None
    events: int


def reason_not_redrivable(ended: Ended, now: datetime) -> str | None:
    """Return what stands against a redrive, in the public words, or None."""
    if ended.status not in REDRIVABLE or ended.stopped is None:
        return f"Execution is {ended.status} and cannot be redriven"
    if ended.events >= MAX_EVENTS_FOR_REDRIVE:
        return "Execution history event limit exceeded"
    if now - ended.started > MAX_OPEN_TIME:
        return "Execution has exceeded the max execution time"
    if now - ended.stopped > REDRIVE_WINDOW:
        return "Execution redrivable period exceeded"
    return None


def redrive(draft: Draft, stimulus: st.Redrive) -> Verdict:
    """Put ExecutionRedriven where the execution may be redriven.

    A call that comes again within 15 minutes is answered as it was the first time.
    """
    execution = draft.execution
    earlier = execution.redrives.get(stimulus.client_token)
    if earlier is not None and draft.time - earlier <= REDRIVE_TOKEN_LIFETIME:
        return Verdict.ACCEPTED
    if execution.child_of is not None:
        return Verdict.CLOSED  # its Map Run has counted its end
    if reason_not_redrivable(_ended(execution), draft.time) is not None:
        return Verdict.CLOSED
    limit = draft.machine.timeout_seconds
    deadline = None if limit is None else draft.time + timedelta(seconds=limit)
    _put_redriven(draft, deadline, stimulus)
    return Verdict.ACCEPTED


def redrive_child(draft: Draft) -> Verdict:
    """Put ExecutionRedriven for a child; its Map Run has seen that it may be redriven.

    A child has a limit of its own only where it is an Express execution.
    """
    execution = draft.execution
    if execution.status not in REDRIVABLE:
        return Verdict.CLOSED
    is_express = execution.deadline is not None
    deadline = draft.time + EXPRESS_MAX_OPEN_TIME if is_express else None
    _put_redriven(draft, deadline, None)
    return Verdict.ACCEPTED


def _put_redriven(
    draft: Draft, deadline: datetime | None, call: st.Redrive | None
) -> None:
    execution = draft.execution
    draft.put(
        ev.ExecutionRedriven(
            id=draft.next_id,
            previous_id=execution.last_event_id,
            time=draft.time,
            redrive_count=execution.redrive_count + 1,
            deadline=deadline,
            client_token="" if call is None else call.client_token,
            caller=None if call is None else call.caller,
        )
    )


def _ended(execution: Execution) -> Ended:
    assert execution.started is not None, "an execution begins with its start"
    return Ended(
        status=execution.status,
        started=execution.started,
        stopped=execution.stopped,
        events=execution.last_event_id,
    )
