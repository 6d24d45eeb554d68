"""The conversation with a server: who this worker is, and the requests it makes.

Request bodies are put together from bytes that are encoded already; see `calls.py`.
"""

import random
from collections.abc import Iterable, Sequence
from typing import TypedDict, cast

import orjson

from stepwell import exactjson
from stepwell.context import Delivery
from stepwell.endpoint import Endpoint, account_and_region
from stepwell.errors import ApiError, UnreachableError
from stepwell.mailbox import log
from stepwell.signing import AccessKey, Signer
from stepwell.transport import Channel, ClosedError, Response

POLL = "/stepwell/v1/worker/poll"
REPORT = "/stepwell/v1/worker/report"
BYE = "/stepwell/v1/worker/bye"
_SHOWN_BYTES = 500
_FORBIDDEN = 403
_DENIALS = frozenset(
    {
        "AccessDeniedException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
_UNTIMELY = ("Signature expired", "Signature not yet current")
ANSWER_SECONDS = 10.0  # beyond the time that a poll asks the server to wait


class RefusedError(Exception):
    """The server answered a request of this worker with an error."""

    def __init__(self, response: Response) -> None:
        said = response.body[:_SHOWN_BYTES].decode(errors="replace")
        super().__init__(f"the server answers {response.status}: {said}")
        self.status = response.status
        self._body = response.body

    def denial(self) -> ApiError | None:
        """Return what only somebody else can mend: this key may not do this.

        A clock that is wrong, or a signature that lay about, is no such thing.
        """
        if self.status != _FORBIDDEN:
            return None
        try:
            said = orjson.loads(self._body)
            name, message = str(said["__type"]), str(said["message"])
        except (ValueError, TypeError, KeyError):
            return None  # of something between here and the server
        if name not in _DENIALS or message.startswith(_UNTIMELY):
            return None
        return ApiError(name, message, self.status)


TROUBLE = (UnreachableError, RefusedError)


class PollAnswer(TypedDict):
    """What a poll brings."""

    tasks: list[Delivery]
    cancelled: list[str]


class Verdict(TypedDict):
    """What became of one reported result."""

    token: str
    verdict: str


class ReportAnswer(TypedDict):
    """The answer to a report."""

    results: list[Verdict]
    cancelled: list[str]


class Backoff:
    """Growing pauses, with jitter so that many workers do not return at once."""

    def __init__(self, first: float = 0.1, most: float = 5.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def next(self) -> float:
        """The pause to make now, in seconds."""
        pause, self._next = self._next, min(self._next * 2, self._most)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311  no secret

    def reset(self) -> None:
        """Begin again with the first pause."""
        self._next = self._first


class Session:
    """One worker process as the server knows it."""

    def __init__(
        self,
        *,
        session_id: str,
        name: str,
        functions: Sequence[str],
        endpoint: str,
        key: AccessKey | None = None,
    ) -> None:
        self.endpoint = Endpoint.parse(endpoint)
        self._signer = Signer(self.endpoint, key, account_and_region()[1])
        self._url = endpoint
        self._is_up: bool | None = None
        self._id = orjson.dumps(session_id)
        self._about = b'{"session":%b,"name":%b,"functions":%b,' % (
            self._id,
            orjson.dumps(name),
            orjson.dumps(list(functions)),
        )

    async def poll(
        self, channel: Channel, *, free: int, wait: float, inventory: Sequence[str]
    ) -> PollAnswer:
        """Ask for tasks, and say what is in hand."""
        body = b'%b"free":%d,"wait":%g,"inventory":%b}' % (
            self._about,
            free,
            wait,
            orjson.dumps(inventory),
        )
        answer = await self._ask(channel, POLL, body, wait + ANSWER_SECONDS)
        return cast("PollAnswer", answer)

    async def report(
        self, channel: Channel, items: Iterable[bytes], heartbeats: Sequence[str]
    ) -> ReportAnswer:
        """Hand over how attempts ended, and who is still alive."""
        body = b'{"session":%b,"results":[%b],"heartbeats":%b}' % (
            self._id,
            b",".join(items),
            orjson.dumps(heartbeats),
        )
        answer = await self._ask(channel, REPORT, body, ANSWER_SECONDS)
        return cast("ReportAnswer", answer)

    async def bye(self, channel: Channel, returned: Sequence[str]) -> None:
        """Sign off, handing back what was never begun."""
        body = b'{"session":%b,"returned":%b}' % (self._id, orjson.dumps(returned))
        await self._ask(channel, BYE, body, ANSWER_SECONDS)

    async def _ask(
        self, channel: Channel, path: str, body: bytes, seconds: float
    ) -> object:
        try:
            signature = self._signer.headers(path, body, {})
            response = await channel.post(
                path, body, timeout=seconds, headers=signature
            )
            if response.status != 200:
                raise RefusedError(response)
            answer = exactjson.loads(response.body or b"{}")
        except ClosedError:
            raise
        except (*TROUBLE, ValueError) as error:
            self._note_down(error)
            if isinstance(error, ValueError):
                msg = f"not a JSON answer: {error}"
                raise UnreachableError(msg) from error
            raise
        self._note_up()
        return answer

    def _note_down(self, error: Exception) -> None:
        if self._is_up is not False:
            log.warning("no conversation with %s, trying on: %s", self._url, error)
        self._is_up = False

    def _note_up(self) -> None:
        if self._is_up is not True:
            log.info("connected to %s", self._url)
        self._is_up = True
