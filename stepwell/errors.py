"""The errors that a client raises."""


class ApiError(Exception):
    """A request that the server refused; `name` is the error's name on the wire."""

    def __init__(self, name: str, message: str, status: int = 400) -> None:
        super().__init__(f"{name}: {message}" if message else name)
        self.name = name
        self.message = message
        self.status = status


class UnreachableError(ConnectionError):
    """The server could not be reached, or broke off; the request may have arrived."""


class ExecutionFailedError(Exception):
    """An execution that did not succeed, raised when its output is asked for."""

    def __init__(
        self, arn: str, status: str, error: str | None, cause: str | None
    ) -> None:
        said = ": ".join(text for text in (error, cause) if text)
        super().__init__(f"{arn} {status}" + (f" ({said})" if said else ""))
        self.arn = arn
        self.status = status
        self.error = error
        self.cause = cause
