"""The client for asyncio: what `client.py` offers, to be awaited."""

import asyncio
import time
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

from stepwell import operations
from stepwell.endpoint import Endpoint, account_and_region, endpoint_url
from stepwell.operations import Execution, Fields, Request
from stepwell.signing import Signer, access_key
from stepwell.transport import Channel

T = TypeVar("T")


class AsyncClient:
    """A server's API, for one event loop; see `Client` for what the methods take."""

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        timeout_seconds: float = 60,
    ) -> None:
        self._endpoint = Endpoint.parse(endpoint_url(endpoint))
        key = access_key(access_key_id, secret_access_key)
        self._signer = Signer(self._endpoint, key, account_and_region()[1])
        self._timeout_seconds = timeout_seconds
        self._idle: list[Channel] = []

    async def start(
        self,
        machine: str,
        input: object = "{}",  # noqa: A002  the API's word
        name: str | None = None,
    ) -> str:
        """Start an execution of a state machine (ARN or name); returns its ARN."""
        return await self._perform(operations.start(machine, input, name))

    async def describe(self, arn: str) -> Execution:
        """Look at an execution."""
        return await self._perform(operations.describe(arn))

    async def wait(self, arn: str, timeout: float | None = None) -> Execution:
        """Wait until an execution has ended; raises TimeoutError after `timeout` s."""
        ends_at = None if timeout is None else time.monotonic() + timeout
        for pause in operations.waits():
            execution = await self.describe(arn)
            if not execution.is_running:
                return execution
            if ends_at is not None and time.monotonic() + pause > ends_at:
                break
            await asyncio.sleep(pause)
        raise TimeoutError(arn)

    async def stop(
        self, arn: str, *, error: str | None = None, cause: str | None = None
    ) -> None:
        """Stop an execution."""
        await self._perform(operations.stop(arn, error, cause))

    async def redrive(self, arn: str) -> datetime:
        """Let an execution that ended badly go on from what had not ended well.

        Returns when; raises ApiError (ExecutionNotRedrivable) if it may not be.
        """
        return await self._perform(operations.redrive(arn))

    async def history(self, arn: str) -> list[Fields]:
        """Return all events of an execution, as GetExecutionHistory gives them."""
        events, following = await self._perform(operations.history(arn, None))
        while following:
            page, following = await self._perform(operations.history(arn, following))
            events += page
        return events

    async def create_state_machine(
        self,
        name: str,
        definition: object,
        *,
        role_arn: str | None = None,
        type: str = "STANDARD",  # noqa: A002  the API's word
    ) -> str:
        """Create a state machine from a definition (dict or JSON text); returns its ARN."""
        return await self._perform(
            operations.create_state_machine(name, definition, role_arn, type)
        )

    async def send_task_success(self, token: str, output: object) -> None:
        """End a task that waits for its token."""
        await self._perform(operations.send_task_success(token, output))

    async def send_task_failure(
        self, token: str, *, error: str | None = None, cause: str | None = None
    ) -> None:
        """Fail a task that waits for its token."""
        await self._perform(operations.send_task_failure(token, error, cause))

    async def send_task_heartbeat(self, token: str) -> None:
        """Say that whoever works on a task is alive."""
        await self._perform(operations.send_task_heartbeat(token))

    async def close(self) -> None:
        """Drop all connections."""
        while self._idle:
            self._idle.pop().close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _perform(self, request: Request[T]) -> T:
        for pause in operations.PAUSES:
            try:
                return await self._ask(request)
            except Exception as error:
                if not operations.may_succeed_later(error):
                    raise
            await asyncio.sleep(pause)
        return await self._ask(request)

    async def _ask(self, request: Request[T]) -> T:
        channel = self._idle.pop() if self._idle else Channel(self._endpoint)
        body = request.body
        response = await channel.post(
            "/",
            body,
            timeout=self._timeout_seconds,
            content_type=operations.CONTENT_TYPE,
            headers=self._signer.headers("/", body, request.headers),
        )
        self._idle.append(channel)
        return request.answer(response.status, response.body)
