"""A worker whose key may not: it ends and says why, where trouble that passes is outlasted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell import ApiError, Worker
from tests.unit.stepwell.scripted_server import (
    Json,
    ScriptedServer,
    delivery,
    serving,
)
from tests.unit.stepwell.test_worker import Gate, work

SAID = (
    "User: arn:aws:iam::123456789012:user/w is not authorized to perform:"
    " stepwell:ClaimTasks on resource: arn:aws:lambda:us-east-1:123456789012:function:work"
)


def denial(name: str = "AccessDeniedException", message: str = SAID) -> Json:
    return {"__type": name, "message": message}


def begin(
    server: ScriptedServer, function: Callable[..., object]
) -> asyncio.Task[bool]:
    worker = Worker([function], endpoint=server.endpoint)
    worker.first_pause_seconds = 0.005
    return asyncio.create_task(worker.run())


@pytest.mark.parametrize(
    "name",
    [
        "AccessDeniedException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    ],
)
async def test_two_denials_end_it_with_what_the_server_said(
    server: ScriptedServer, name: str
) -> None:
    running = begin(server, work)

    for _ in range(2):
        (await server.poll()).reply(denial(name), 403)
    (await server.bye()).reply(denial(name), 403)

    with pytest.raises(ApiError, match=r"stepwell:ClaimTasks on resource: .*:work$"):
        await running


async def test_one_denial_does_not_end_it(server: ScriptedServer) -> None:
    async with serving(server, work):
        for _ in range(2):
            (await server.poll()).reply(denial(), 403)
            (await server.poll()).deliver(delivery("t1"))
            (await server.report()).accept()


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, denial("ThrottlingException", "Rate exceeded")),
        (403, denial("InvalidSignatureException", "Signature expired: 1 is now")),
        (403, denial("InvalidSignatureException", "Signature not yet current: 1")),
        (403, b"<html>a proxy between us</html>"),
        (403, ["no", "object"]),
        (429, b"slow down"),
        (500, denial("InternalServerError", "The server failed")),
        (503, denial("ServiceUnavailable", "The database cannot be reached.")),
    ],
)
async def test_what_passes_is_outlasted(
    server: ScriptedServer, status: int, answer: Json
) -> None:
    async with serving(server, work):
        for _ in range(3):
            (await server.poll()).reply(answer, status)
        (await server.poll()).deliver(delivery("t1"))
        report = await server.report()
        report.accept()

    assert list(report.results) == ["t1"]


async def test_a_server_that_hangs_up_is_outlasted(server: ScriptedServer) -> None:
    async with serving(server, work):
        for _ in range(3):
            (await server.poll()).drop()
        (await server.poll()).deliver(delivery("t1"))
        (await server.report()).accept()


async def test_what_was_in_hand_is_told_before_it_ends(server: ScriptedServer) -> None:
    gate = Gate()
    running = begin(server, gate.function)
    (await server.poll()).deliver(delivery("t1"))
    await gate.until_begun()

    for _ in range(2):
        (await server.poll()).reply(denial(), 403)
    report = await server.report()
    report.accept()
    (await server.bye()).reply({})
    gate.open.set()

    assert report.results["t1"]["error"] == "Lambda.Unknown"
    with pytest.raises(ApiError):
        await running


async def test_the_command_says_it_and_ends_for_good(
    server: ScriptedServer, tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    app.write_text("import stepwell\n\n@stepwell.task('f')\ndef f(event): ...\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "stepwell", "worker", str(app)),
        *("--endpoint", server.endpoint),
        stderr=asyncio.subprocess.PIPE,
    )

    for _ in range(2):
        (await server.poll()).reply(denial(), 403)
    (await server.bye()).reply({})
    _, said = await process.communicate()

    assert process.returncode == 2
    assert (
        f"{server.endpoint} denies it: AccessDeniedException: {SAID}" in said.decode()
    )
    assert "stepwell keys create NAME --preset worker" in said.decode()
    assert "Traceback" not in said.decode()
