"""Functions that no worker serves: the engine calls them itself, at a service elsewhere.

They go the way of every task: a slot is reserved, Scheduled and Started are committed, and
only then the request leaves, from a thread of its own. Started names this engine's life. A
request is sent once: an engine that dies takes the answers with it, and whoever holds the
shard next ends those attempts as Lambda.Unknown, because the functions may have run.

To the other engines the calls of a living engine look like attempts of a worker: it shows
itself among the worker sessions, and is believed to be gone when it has not for a while. A
call cannot be taken back. Of an attempt that was closed meanwhile (by its timeout, by a
stop) only the answer is dropped; the slot is free when the request has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from threading import Thread
from typing import Final, TypeAlias

import structlog

from asl.payload import Payload
from engine.errors import BusyError, UnansweredError
from engine.handlers import PREFIX
from engine.work import TaskKey
from runtime import stimuli as st
from runtime.identity import FIRST_MARKER, ExecutionId
from runtime.lambda_invoke import Invocation

log = structlog.get_logger(__name__)

_SUFFIX: Final = "/lambda"
_AGAIN_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Returned:
    """A function returned; `output` is the whole answer where the task wants all of it."""

    output: Payload


@dataclass(frozen=True, slots=True)
class Raised:
    """A function failed, or was never called."""

    error: str
    cause: str


Outcome: TypeAlias = Returned | Raised
Invoke: TypeAlias = Callable[[Invocation], Outcome]
Ask: TypeAlias = Callable[[int, ExecutionId, st.Stimulus], Awaitable[st.Verdict]]


def is_caller(worker: str) -> bool:
    """Tell whether an attempt was started by an engine that calls a service itself."""
    return worker.startswith(PREFIX) and worker.endswith(_SUFFIX)


class Elsewhere:
    """The calls of one engine: at most `slots` at once."""

    def __init__(
        self, *, incarnation: str, invoke: Invoke, slots: int, ask: Ask
    ) -> None:
        """Take who makes a request, blocking, and how its outcome reaches the execution."""
        self.worker = f"{PREFIX}{incarnation}{_SUFFIX}"
        self.slots = slots
        self.reserved = 0
        # Functions of workers at other engines; None until somebody has looked.
        self.served: frozenset[str] | None = None
        self.on_free: Callable[[], None] = lambda: None
        self._invoke = invoke
        self._ask = ask
        self._calling: set[TaskKey] = set()
        self._unwanted: set[TaskKey] = set()
        self._reporting: dict[TaskKey, asyncio.Task[None]] = {}
        self._is_draining = False

    # Slots

    @property
    def free(self) -> int:
        """How many more calls may be begun."""
        if self._is_draining:
            return 0
        return self.slots - self.reserved - len(self._calling)

    @property
    def calling(self) -> int:
        """How many requests are under way."""
        return len(self._calling)

    def may_call(self, function: str) -> bool:
        """Tell whether a function is nobody else's, as far as other engines have shown."""
        return self.served is not None and function not in self.served

    def release(self) -> None:
        """Give back a slot that was reserved."""
        self.reserved -= 1

    # Calls

    def knows(self, key: TaskKey) -> bool:
        """Tell whether an attempt is being called, or its outcome on the way."""
        return key in self._calling or key in self._reporting

    def begin(self, key: TaskKey, invocation: Invocation) -> None:
        """Make the request of an attempt whose Started event is committed."""
        if self.knows(key):
            return
        self._calling.add(key)
        loop = asyncio.get_running_loop()
        arguments = (loop, key, invocation)
        thread = Thread(target=self._call, args=arguments, name="call", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no more threads for us
            self._ended(key, Raised("Lambda.SdkClientException", str(error)))

    def drop(self, key: TaskKey) -> None:
        """Want the answer of an attempt no more: it was closed."""
        if key in self._calling:
            self._unwanted.add(key)

    def _call(
        self, loop: asyncio.AbstractEventLoop, key: TaskKey, invocation: Invocation
    ) -> None:
        """Make one request; on its thread."""
        try:
            outcome = self._invoke(invocation)
        except Exception as error:
            log.exception("call failed", function=invocation.function)
            outcome = Raised("Lambda.Unknown", f"{type(error).__name__}: {error}")
        with contextlib.suppress(RuntimeError):  # the engine has ended meanwhile
            loop.call_soon_threadsafe(self._ended, key, outcome)

    def _ended(self, key: TaskKey, outcome: Outcome) -> None:
        self._calling.discard(key)
        if key in self._unwanted:
            self._unwanted.discard(key)
        else:
            report = self._report(key, _stimulus(key[2], outcome))
            self._reporting[key] = asyncio.get_running_loop().create_task(report)
        self.on_free()

    async def _report(self, key: TaskKey, stimulus: st.Stimulus) -> None:
        """Bring an outcome to its execution, wherever that is, until it has a verdict."""
        shard, execution_id, _ = key
        try:
            while not await self._was_answered(shard, execution_id, stimulus):
                if shard >= FIRST_MARKER:
                    return
                await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            del self._reporting[key]

    async def _was_answered(
        self, shard: int, execution_id: ExecutionId, stimulus: st.Stimulus
    ) -> bool:
        try:
            await self._ask(shard, execution_id, stimulus)
        except (BusyError, UnansweredError):
            return False
        return True

    # The end

    async def drain(self, seconds: float) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._is_draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._calling or self._reporting:
                    await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Give up bringing outcomes to their executions."""
        reporting = list(self._reporting.values())
        for task in reporting:
            task.cancel()
        await asyncio.gather(*reporting, return_exceptions=True)


def _stimulus(scheduled_id: int, outcome: Outcome) -> st.Stimulus:
    if isinstance(outcome, Returned):
        return st.ServiceAnswered(scheduled_id, outcome.output)
    return st.WorkerRaised(scheduled_id, outcome.error, outcome.cause)
