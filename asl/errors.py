"""What can go wrong in a definition, and in the evaluation of one of its expressions."""

from __future__ import annotations


class AslError(Exception):
    """Base of everything the language raises."""


class DefinitionError(AslError):
    """A definition that CreateStateMachine refuses; `str()` is the message for the caller."""


class StatesError(AslError):
    """A failure of a state, with its States Language error name.

    `cause` is the text after the prefix that the runtime adds ("An error occurred while
    executing the state ... (entered at the event id #...). "); `location` is the field of
    a JSONata expression: where it is set, the history shows an EvaluationFailed event.
    `prefixed` is False for a cause that is recorded without that prefix.
    """

    def __init__(
        self,
        error: str | None,
        cause: str | None,
        *,
        location: str | None = None,
        prefixed: bool = True,
    ) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause
        self.location = location
        self.prefixed = prefixed


class PayloadError(StatesError):
    """A text that is no JSON, or JSON that no payload may be (NaN, too deep, too long).

    `str()` is the reason. Where a state makes such a thing of its data, the state fails.
    """

    def __init__(self, reason: str) -> None:
        cause = f"The data of the state cannot be written as JSON: {reason}"
        super().__init__("States.Runtime", cause)
        self._reason = reason

    def __str__(self) -> str:
        return self._reason
