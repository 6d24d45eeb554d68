"""What a function can learn about the attempt that it runs for, and tell about it."""

import time
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import TypedDict

from stepwell.exactjson import Json


class Delivery(TypedDict):
    """One attempt as the server hands it over."""

    token: str
    function: str
    input: Json
    executionArn: str
    stateMachineArn: str
    stateName: str
    attemptId: str
    idempotencyKey: str
    retryCount: int
    remainingSeconds: float | None
    heartbeatSeconds: int | None
    shard: int
    epoch: int
    traceHeader: str | None


class Noted:
    """Nothing to wait for: lets a heartbeat be written with or without `await`."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield  # let other tasks run once, and a cancellation arrive


_NOTED = Noted()


class Context:
    """The attempt that a function runs for; safe to use from any thread."""

    __slots__ = ("_beat", "_cancelled", "_delivery", "_ends_at")

    def __init__(self, delivery: Delivery, beat: Callable[[str], None]) -> None:
        remaining = delivery.get("remainingSeconds")
        self._delivery = delivery
        self._beat = beat
        self._cancelled = False
        self._ends_at = None if remaining is None else time.monotonic() + remaining

    @property
    def execution_arn(self) -> str:
        """The ARN of the execution."""
        return self._delivery["executionArn"]

    @property
    def state_machine_arn(self) -> str:
        """The ARN of the state machine."""
        return self._delivery["stateMachineArn"]

    @property
    def state_name(self) -> str:
        """The name of the Task state."""
        return self._delivery["stateName"]

    @property
    def function_name(self) -> str:
        """The name under which the function was called."""
        return self._delivery["function"]

    @property
    def attempt_id(self) -> str:
        """Identify this attempt: every retry has its own."""
        return self._delivery["attemptId"]

    @property
    def idempotency_key(self) -> str:
        """Identify this visit of the state: the same for all of its retries."""
        return self._delivery["idempotencyKey"]

    @property
    def task_token(self) -> str:
        """The token that answers this attempt through SendTaskSuccess and the like."""
        return self._delivery["token"]

    @property
    def retry_count(self) -> int:
        """How many attempts of this visit went before: 0 at first."""
        return self._delivery["retryCount"]

    @property
    def trace_header(self) -> str | None:
        """The trace header that the execution was started with."""
        return self._delivery.get("traceHeader")

    @property
    def heartbeat_seconds(self) -> int | None:
        """The state's HeartbeatSeconds: a heartbeat is due within each such span."""
        return self._delivery.get("heartbeatSeconds")

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds until the attempt times out; None if it has no time limit."""
        if self._ends_at is None:
            return None
        return max(0.0, self._ends_at - time.monotonic())

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the result any more (stopped, timed out)."""
        return self._cancelled

    def heartbeat(self) -> Noted:
        """Say that the function is alive; returns at once, `await` is optional."""
        self._beat(self._delivery["token"])
        return _NOTED

    # The names that code written for AWS Lambda uses.

    @property
    def aws_request_id(self) -> str:
        """The same as `attempt_id`."""
        return self.attempt_id

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the time-out; very many if there is no time limit."""
        remaining = self.remaining_seconds
        return 2**31 - 1 if remaining is None else int(remaining * 1000)


_current: ContextVar[Context] = ContextVar("stepwell_context")


def context() -> Context:
    """Return the context of the function that is running here."""
    try:
        return _current.get()
    except LookupError:
        msg = "stepwell.context() works inside a function that a worker runs"
        raise RuntimeError(msg) from None


def enter(entered: Context) -> None:
    """Make `context()` return this one, in the current contextvars context."""
    _current.set(entered)


def cancel(cancelled: Context) -> None:
    """Let the function see that nobody waits for its result."""
    cancelled._cancelled = True  # noqa: SLF001  read-only for the user
