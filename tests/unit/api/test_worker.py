"""The worker endpoints: whose sessions they touch."""

from __future__ import annotations

from api.access.callers import ANYBODY, Caller
from api.access.presets import preset_policy
from api.arns import Site
from api.gate import Admission
from api.http import Headers, Scope
from api.polls import Polls
from api.worker import WorkerEndpoints
from engine.handover import (
    ByeRequest,
    PollRequest,
    PollResponse,
    ReportRequest,
    ReportResponse,
)
from runtime.principal import Principal
from tests.unit.api.asgi import call

JSON = {b"content-type": b"application/json"}
BODY = b'{"session":"s","name":"n","functions":["f"]}'


class Hall:
    """Notes which sessions it is told of, and who reports."""

    def __init__(self) -> None:
        self.sessions: list[str] = []
        self.callers: list[Principal | None] = []

    async def poll(self, request: PollRequest) -> PollResponse:
        self.sessions.append(request.session)
        return PollResponse()

    async def report(self, request: ReportRequest) -> ReportResponse:
        self.sessions.append(request.session)
        self.callers.append(request.caller)
        return ReportResponse(verdicts=(), cancelled=())

    async def bye(self, request: ByeRequest) -> None:
        self.sessions.append(request.session)


class OpenGate:
    """Lets everybody in as one caller."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def check(self, headers: Headers) -> None:
        pass

    async def admit(self, scope: Scope) -> Admission:
        return lambda _body: self._caller


async def told(caller: Caller) -> Hall:
    hall = Hall()
    endpoints = WorkerEndpoints(hall, OpenGate(caller), Polls(), Site())
    for name in ("poll", "report", "bye"):
        exchange = await call(endpoints, f"/stepwell/v1/worker/{name}", JSON, [BODY])
        assert exchange.status == 200
    return hall


async def test_a_session_is_of_the_key_that_opened_it() -> None:
    callers = [
        Caller(arn="a", key_id=key_id, policy=preset_policy("worker"))
        for key_id in ("SWKA", "SWKB")
    ]

    assert [(await told(caller)).sessions for caller in callers] == [
        ["SWKA.s"] * 3,
        ["SWKB.s"] * 3,
    ]


async def test_a_report_says_who_signed_it() -> None:
    ada = Caller(arn="a", key_id="SWKA", name="ada", policy=preset_policy("worker"))

    assert (await told(ada)).callers == [Principal("SWKA", "ada")]


async def test_without_authentication_sessions_keep_their_names() -> None:
    hall = await told(ANYBODY)

    assert hall.sessions == ["s"] * 3
    assert hall.callers == [None]
