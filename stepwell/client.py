"""The blocking client: starts, follows and stops executions. Safe to share by threads."""

import threading
import time
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import urllib3

from stepwell import operations
from stepwell.endpoint import Endpoint, account_and_region, endpoint_url
from stepwell.errors import UnreachableError
from stepwell.operations import Execution, Fields, Request
from stepwell.signing import Signer, access_key

T = TypeVar("T")
_CONNECTIONS = 16


class Client:
    """A server's API. Refused requests raise ApiError, with the name on the wire.

    Requests are signed with the access key that is given, or that of the environment
    (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY).

    A payload (`input`, `output`) is any value that JSON can express; a `str` is taken
    as JSON text, as it is by the API.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        timeout_seconds: float = 60,
    ) -> None:
        self._url = endpoint_url(endpoint).rstrip("/") + "/"
        self._endpoint = Endpoint.parse(self._url)
        key = access_key(access_key_id, secret_access_key)
        self._signer = Signer(self._endpoint, key, account_and_region()[1])
        self._pool = urllib3.PoolManager(
            maxsize=_CONNECTIONS, timeout=timeout_seconds, retries=False
        )
        self._pausing = threading.Event()  # never set: to wait on

    def start(
        self,
        machine: str,
        input: object = "{}",  # noqa: A002  the API's word
        name: str | None = None,
    ) -> str:
        """Start an execution of a state machine (ARN or name); returns its ARN."""
        return self._perform(operations.start(machine, input, name))

    def describe(self, arn: str) -> Execution:
        """Look at an execution."""
        return self._perform(operations.describe(arn))

    def wait(self, arn: str, timeout: float | None = None) -> Execution:
        """Wait until an execution has ended; raises TimeoutError after `timeout` s."""
        ends_at = None if timeout is None else time.monotonic() + timeout
        for pause in operations.waits():
            execution = self.describe(arn)
            if not execution.is_running:
                return execution
            if ends_at is not None and time.monotonic() + pause > ends_at:
                break
            self._pausing.wait(pause)
        raise TimeoutError(arn)

    def stop(
        self, arn: str, *, error: str | None = None, cause: str | None = None
    ) -> None:
        """Stop an execution."""
        self._perform(operations.stop(arn, error, cause))

    def redrive(self, arn: str) -> datetime:
        """Let an execution that ended badly go on from what had not ended well.

        Returns when; raises ApiError (ExecutionNotRedrivable) if it may not be.
        """
        return self._perform(operations.redrive(arn))

    def history(self, arn: str) -> list[Fields]:
        """Return all events of an execution, as GetExecutionHistory gives them."""
        events, following = self._perform(operations.history(arn, None))
        while following:
            page, following = self._perform(operations.history(arn, following))
            events += page
        return events

    def create_state_machine(
        self,
        name: str,
        definition: object,
        *,
        role_arn: str | None = None,
        type: str = "STANDARD",  # noqa: A002  the API's word
    ) -> str:
        """Create a state machine from a definition (dict or JSON text); returns its ARN."""
        return self._perform(
            operations.create_state_machine(name, definition, role_arn, type)
        )

    def send_task_success(self, token: str, output: object) -> None:
        """End a task that waits for its token."""
        self._perform(operations.send_task_success(token, output))

    def send_task_failure(
        self, token: str, *, error: str | None = None, cause: str | None = None
    ) -> None:
        """Fail a task that waits for its token."""
        self._perform(operations.send_task_failure(token, error, cause))

    def send_task_heartbeat(self, token: str) -> None:
        """Say that whoever works on a task is alive."""
        self._perform(operations.send_task_heartbeat(token))

    def close(self) -> None:
        """Drop all connections."""
        self._pool.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _perform(self, request: Request[T]) -> T:
        for pause in operations.PAUSES:
            try:
                return self._ask(request)
            except Exception as error:
                if not operations.may_succeed_later(error):
                    raise
            self._pausing.wait(pause)
        return self._ask(request)

    def _ask(self, request: Request[T]) -> T:
        body = request.body
        headers = {
            "Host": self._endpoint.authority,
            "Content-Type": operations.CONTENT_TYPE,
            **self._signer.headers("/", body, request.headers),
        }
        try:
            response = self._pool.request("POST", self._url, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            msg = (
                f"no answer from {self._url}: {error}: `stepwell dev` starts a server,"
                " STEPWELL_ENDPOINT names another"
            )
            raise UnreachableError(msg) from None  # its own causes only repeat it
        return request.answer(response.status, response.data)
