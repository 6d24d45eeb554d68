"""The same call again: what was told "closed" may have been accepted, by a call without answer.

SendTaskSuccess and SendTaskFailure are accepted once. A caller who got a 503, or whose server
died before it answered, makes the same call again and must hear that it was accepted; one who
got its 200 and repeats itself must hear that the task is closed. Nothing is written for that
on the way of a call that is answered. Three places tell:

- *The inbox*, where the call went to another engine: its row keeps the verdict for a minute.
  While the engine that asked lives, it has answered, unless it has given the row free.
- *The inbox* again, where the call went straight into a lane and its verdict came after the
  503: the row is written then.
- *The log*, where the engine that had the call died: the attempt was closed lately, by an
  equal answer, and before the present holder of the shard took it.

Another caller's call is never the same one: whoever hears "accepted" is whom the log names.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final, TypeAlias

import orjson
import psycopg
import structlog

from engine.errors import UnansweredError
from engine.letters import body_of, caller_of, kind_of
from runtime import events as ev
from runtime import stimuli as st
from runtime.identity import FIRST_MARKER, ExecutionId
from scheduler.clock import Clock
from storage.answers import Answers, Call, Ending
from storage.codec import caller_in

log = structlog.get_logger(__name__)

Callback: TypeAlias = st.CallbackSucceeded | st.CallbackFailed

REMEMBERED: Final = timedelta(seconds=60)
_PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = 0.5
_SUCCEEDED: Final = frozenset(
    ev.EVENT_CODES[cls]
    for cls in (ev.TaskSucceeded, ev.ActivitySucceeded, ev.LambdaFunctionSucceeded)
)
_FAILED: Final = frozenset(
    ev.EVENT_CODES[cls]
    for cls in (ev.TaskFailed, ev.ActivityFailed, ev.LambdaFunctionFailed)
)
_OTHERWISE: Final = frozenset(
    ev.EVENT_CODES[cls]
    for cls in (ev.TaskTimedOut, ev.ActivityTimedOut, ev.LambdaFunctionTimedOut)
)


class Repeats:
    """Finds out whether an equal call was accepted and not answered."""

    def __init__(self, answers: Answers, clock: Clock) -> None:
        """Take where verdicts are kept."""
        self._answers = answers
        self._clock = clock
        self._keeping: set[asyncio.Task[None]] = set()

    # Verdicts that come too late for their askers

    def late(
        self, shard: int, execution_id: ExecutionId, stimulus: st.Stimulus
    ) -> None:
        """Keep the verdict of a call that was accepted when nobody waited any more."""
        if shard < FIRST_MARKER and isinstance(stimulus, Callback):
            call = _call(shard, execution_id, stimulus)
            task = asyncio.get_running_loop().create_task(self._keep(call))
            self._keeping.add(task)
            task.add_done_callback(self._keeping.discard)

    async def _keep(self, call: Call) -> None:
        deadline = self._clock.monotonic() + REMEMBERED.total_seconds()
        while self._clock.monotonic() < deadline:
            try:
                await self._answers.keep(call, self._clock.now())
            except (psycopg.Error, OSError) as error:
                log.warning("verdict not kept", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    # The same call again

    async def was_accepted(
        self, shard: int, execution_id: ExecutionId, stimulus: st.Stimulus
    ) -> bool:
        """Tell whether a call that finds its task closed was accepted before, unanswered.

        Raises UnansweredError where that cannot be found out now.
        """
        if shard >= FIRST_MARKER or not isinstance(stimulus, Callback):
            return False
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._was_accepted(shard, execution_id, stimulus)
        except (psycopg.Error, OSError) as error:  # TimeoutError is an OSError
            log.warning("earlier answers not read", error=repr(error))
            raise UnansweredError from error

    async def _was_accepted(
        self, shard: int, execution_id: ExecutionId, stimulus: Callback
    ) -> bool:
        call = _call(shard, execution_id, stimulus)
        if self._keeping:
            await asyncio.wait(self._keeping)
        while not await self._answers.take_over(call):
            are_answered = await self._answers.are_answered(call)
            if are_answered is None:
                return await self._is_in_the_log(call, stimulus)
            if are_answered:
                return False
            await asyncio.sleep(_PAUSE_SECONDS)  # does its asker still live?
        return True

    async def _is_in_the_log(self, call: Call, stimulus: Callback) -> bool:
        types = sorted(_SUCCEEDED | _FAILED | _OTHERWISE)
        after = self._clock.now() - REMEMBERED
        ending = await self._answers.ending(call, stimulus.scheduled_id, types, after)
        return ending is not None and _is_by(ending, stimulus)


def _call(shard: int, execution_id: ExecutionId, stimulus: Callback) -> Call:
    return Call(
        shard=shard,
        execution_id=execution_id,
        kind=kind_of(stimulus),
        body=body_of(stimulus),
        caller=caller_of(stimulus),
    )


def _is_by(ending: Ending, stimulus: Callback) -> bool:
    """Tell whether an attempt was ended by an answer equal to this one, and of its caller."""
    if caller_in(ending.memo) not in (None, stimulus.caller):
        return False
    if isinstance(stimulus, st.CallbackSucceeded):
        return ending.type in _SUCCEEDED and ending.data == stimulus.output.text
    details = orjson.loads(ending.details or "{}")
    said = (details.get("error"), details.get("cause"))
    return ending.type in _FAILED and said == (stimulus.error, stimulus.cause)
