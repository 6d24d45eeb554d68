"""What the API answers when it refuses: one class per public error.

The class name is the error's name on the wire. The modelled errors come first, in the
order of the alphabet; a test compares them with botocore's model. The common errors, which
no operation lists, follow.
"""

from __future__ import annotations

from typing import ClassVar


class ApiError(Exception):
    """Base of everything that becomes an error response; `str()` is the message."""

    status: ClassVar[int] = 400

    def __init__(self, message: str, **members: str) -> None:
        """Take the message and what else the error's shape has, under wire names."""
        super().__init__(message)
        self.members = members

    @property
    def name(self) -> str:
        """The error's name on the wire."""
        return type(self).__name__


class ActivityAlreadyExists(ApiError):
    """An activity of that name exists with another encryption configuration."""


class ActivityDoesNotExist(ApiError):
    """No activity has that ARN."""


class ActivityLimitExceeded(ApiError):
    """The account has as many activities as it may."""


class ActivityWorkerLimitExceeded(ApiError):
    """As many workers poll the activity as may."""


class ConflictException(ApiError):
    """Another change of the same resource is in the way."""

    status = 409


class ExecutionAlreadyExists(ApiError):
    """The name is taken by an execution that is closed or has another input."""


class ExecutionDoesNotExist(ApiError):
    """No execution has that ARN."""


class ExecutionLimitExceeded(ApiError):
    """As many executions are open as may be."""


class ExecutionNotRedrivable(ApiError):
    """The execution is in no state to be redriven."""


class InvalidArn(ApiError):
    """The ARN is malformed or of another kind."""


class InvalidDefinition(ApiError):
    """The definition is no state machine."""


class InvalidEncryptionConfiguration(ApiError):
    """The encryption configuration contradicts itself."""


class InvalidExecutionInput(ApiError):
    """The input is no JSON."""


class InvalidLoggingConfiguration(ApiError):
    """The logging configuration contradicts itself."""


class InvalidName(ApiError):
    """The name has characters that no name may have."""


class InvalidOutput(ApiError):
    """The output is no JSON."""


class InvalidToken(ApiError):
    """The task token or page token was not made here, or not for this."""


class InvalidTracingConfiguration(ApiError):
    """The tracing configuration contradicts itself."""


class KmsAccessDeniedException(ApiError):
    """The key may not be used."""


class KmsInvalidStateException(ApiError):
    """The key is in no state to be used."""


class KmsThrottlingException(ApiError):
    """The key is used too often."""


class MissingRequiredParameter(ApiError):
    """A member that this request needs is not there."""


class ResourceNotFound(ApiError):
    """No resource has that ARN."""


class ServiceQuotaExceededException(ApiError):
    """The resource has as many parts as it may."""


class StateMachineAlreadyExists(ApiError):
    """A machine of that name exists and differs."""


class StateMachineDeleting(ApiError):
    """The machine is being deleted."""


class StateMachineDoesNotExist(ApiError):
    """No machine has that ARN."""


class StateMachineLimitExceeded(ApiError):
    """The account has as many machines as it may."""


class StateMachineTypeNotSupported(ApiError):
    """The operation is not for machines of this type."""


class TaskDoesNotExist(ApiError):
    """The token names a task that nobody remembers."""


class TaskTimedOut(ApiError):
    """The token names a task that is closed."""


class TooManyTags(ApiError):
    """The resource would have more tags than it may."""


class ValidationException(ApiError):
    """The request breaks a constraint."""


class AccessDeniedException(ApiError):
    """The caller may not do that."""

    status = 403


class MissingAuthenticationTokenException(ApiError):
    """The request is not signed."""

    status = 403


class UnrecognizedClientException(ApiError):
    """There is no such access key, or it may not be used."""

    status = 403


class InvalidSignatureException(ApiError):
    """The signature is not that of the key, not of now or not for this server."""

    status = 403


class IncompleteSignatureException(ApiError):
    """The signature is not in the form that is understood."""


class InternalServerError(ApiError):
    """A failure of ours; the log has it under the request's id."""

    status = 500


class RequestEntityTooLargeException(ApiError):
    """The body is over the cap."""

    status = 413


class SerializationException(ApiError):
    """The body is not what the operation's shape asks for."""


class ServiceUnavailable(ApiError):
    """Nobody can answer at the moment; the same call again will do."""

    status = 503


class ThrottlingException(ApiError):
    """Too much waits already; try again later."""


class UnknownOperationException(ApiError):
    """There is no such operation here."""
