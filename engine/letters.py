"""Stimuli as rows of the inbox: a kind, a JSON body, and who asked for it.

The caller stands beside the body, not in it: older engines read the bodies too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import orjson
import structlog

from asl.payload import Payload
from engine.work import Stimulation
from runtime import stimuli as st
from storage.lane_store import InboxRow
from storage.principals import principal_of_text, principal_text

log = structlog.get_logger(__name__)

WITHOUT_SENDER: Final = frozenset(
    {"start", "continue", "children_succeeded", "children_failed", "redrive_child"}
)

_KINDS: Final[dict[type[st.Stimulus], str]] = {
    st.Begin: "start",
    st.Continue: "continue",
    st.WorkerReturned: "worker_returned",
    st.ServiceAnswered: "service_answered",
    st.CallbackSucceeded: "task_success",
    st.WorkerRaised: "worker_raised",
    st.CallbackFailed: "task_failure",
    st.TaskClaimed: "claim",
    st.WorkerLost: "worker_lost",
    st.Heartbeat: "heartbeat",
    st.ChildrenSucceeded: "children_succeeded",
    st.ChildrenFailed: "children_failed",
    st.Stop: "stop",
    st.Redrive: "redrive",
    st.RedriveChild: "redrive_child",
}


# What comes before an output, and what after: in between stands its own text, untouched.
_TASK: Final = '{"task":'
_OUTPUT: Final = ',"output":'
_END: Final = "}"

_WITH_OUTPUT: Final[dict[str, Callable[[int, Payload], st.Stimulus]]] = {
    "worker_returned": st.WorkerReturned,
    "service_answered": st.ServiceAnswered,
    "task_success": st.CallbackSucceeded,
    "children_succeeded": st.ChildrenSucceeded,
}

_READERS: Final[dict[str, Callable[[Any], st.Stimulus]]] = {
    "start": lambda _: st.Begin(),
    "continue": lambda _: st.Continue(),
    "worker_raised": lambda b: st.WorkerRaised(b["task"], b["error"], b["cause"]),
    "task_failure": lambda b: st.CallbackFailed(b["task"], b["error"], b["cause"]),
    "claim": lambda body: st.TaskClaimed(body["task"], body["worker"]),
    "worker_lost": lambda body: st.WorkerLost(body["task"], body["worker"]),
    "heartbeat": lambda body: st.Heartbeat(body["task"]),
    "children_failed": lambda b: st.ChildrenFailed(b["run"], b["error"], b["cause"]),
    "stop": lambda body: st.Stop(body["error"], body["cause"]),
    "redrive": lambda body: st.Redrive(body["token"]),
    "redrive_child": lambda _: st.RedriveChild(),
}


def kind_of(stimulus: st.Stimulus) -> str:
    """Name the kind of a stimulus, as the `inbox` table does."""
    return _KINDS[type(stimulus)]


def body_of(stimulus: st.Stimulus) -> str:
    """Write a stimulus as JSON text; an output stays the text that it is."""
    match stimulus:
        case st.WorkerReturned() | st.ServiceAnswered() | st.CallbackSucceeded():
            task, output = stimulus.scheduled_id, stimulus.output.text
            return f"{_TASK}{task}{_OUTPUT}{output}{_END}"
        case st.ChildrenSucceeded(run, result):
            return f"{_TASK}{run}{_OUTPUT}{result.text}{_END}"
        case st.WorkerRaised() | st.CallbackFailed():
            shown: dict[str, object] = {
                "task": stimulus.scheduled_id,
                "error": stimulus.error,
                "cause": stimulus.cause,
            }
        case st.TaskClaimed() | st.WorkerLost():
            shown = {"task": stimulus.scheduled_id, "worker": stimulus.worker}
        case st.Heartbeat():
            shown = {"task": stimulus.scheduled_id}
        case st.ChildrenFailed():
            shown = {
                "run": stimulus.started_id,
                "error": stimulus.error,
                "cause": stimulus.cause,
            }
        case st.Stop():
            shown = {"error": stimulus.error, "cause": stimulus.cause}
        case st.Redrive():
            shown = {"token": stimulus.client_token}
        case _:
            shown = {}
    return orjson.dumps(shown).decode()


def caller_of(stimulus: st.Stimulus) -> str | None:
    """Write who asked for a stimulus as JSON text, where somebody is known to."""
    if isinstance(stimulus, st.OfCaller):
        return principal_text(stimulus.caller)
    return None


def stimulus_of(kind: str, body: str, caller: str | None = None) -> st.Stimulus:
    """Read a stimulus back."""
    stimulus = _read(kind, body)
    if isinstance(stimulus, st.OfCaller) and caller is not None:
        return replace(stimulus, caller=principal_of_text(caller))
    return stimulus


def _read(kind: str, body: str) -> st.Stimulus:
    with_output = _WITH_OUTPUT.get(kind)
    if with_output is None:
        return _READERS[kind](orjson.loads(body))
    task, _, rest = body.removeprefix(_TASK).partition(_OUTPUT)
    return with_output(int(task), Payload.of_text(rest.removesuffix(_END)))


def stimulation_of(row: InboxRow) -> Stimulation | None:
    """Make a stimulus for a lane of an inbox row; None where it is not understood."""
    try:
        stimulus = stimulus_of(row.kind, row.body, row.caller)
    except (KeyError, ValueError):  # by a version that knows more, say
        log.error("inbox row not understood", row=row.id, kind=row.kind)  # noqa: TRY400
        return None
    has_sender = row.kind not in WITHOUT_SENDER
    return Stimulation(stimulus, inbox_id=row.id, has_sender=has_sender)
