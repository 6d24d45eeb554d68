"""What the engine cannot do for its callers; divided by whose turn it is to act."""

from __future__ import annotations


class EngineError(Exception):
    """Base of what the facade raises."""


class ExecutionExistsError(EngineError):
    """The name is taken: by a closed execution, or one with another input. Argument: the ARN."""


class ExecutionMissingError(EngineError):
    """No execution has that ARN. Argument: the ARN."""


class TokenInvalidError(EngineError):
    """The task token was not made here."""


class TaskClosedError(EngineError):
    """The token names an attempt that is closed."""


class TaskMissingError(EngineError):
    """The token names an attempt that nobody remembers."""


class PollersFullError(EngineError):
    """As many poll the activity as may. Argument: its ARN."""


class BusyError(EngineError):
    """A bounded queue is full; nothing was stored."""


class UnansweredError(EngineError):
    """No engine answered in time; the same call again finds out what became of it."""
