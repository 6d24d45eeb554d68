"""`stepwell worker` as a process."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.stepwell.scripted_server import ScriptedServer, delivery, see_off

APP = """
import os, sys
import stepwell, storage

@stepwell.task("where")
def where(event):
    return {"storage": storage.__file__, "name": __name__, "path": sys.path}

@stepwell.task("exit")
def leave(event):
    sys.exit(9)

@stepwell.task("hang")
def hang(event):
    import threading
    stepwell.context().heartbeat()
    threading.Event().wait()
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application with a `storage` of its own."""
    (tmp_path / "storage.py").write_text("")
    path = tmp_path / "app.py"
    path.write_text(APP)
    return path


async def start(
    app: Path, server: ScriptedServer, *options: str
) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "stepwell", "worker", str(app)]
    return await asyncio.create_subprocess_exec(
        *command,
        *("--endpoint", server.endpoint),
        *options,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def drained(server: ScriptedServer, process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGTERM)
    ending = asyncio.create_task(process.wait())
    await see_off(server, ending)
    return await ending


async def test_a_worker_serves_the_users_own_modules_and_drains(
    server: ScriptedServer, app: Path
) -> None:
    process = await start(app, server, "--concurrency", "7", "--name", "w")
    poll = await server.poll()
    poll.deliver(delivery("t1", "where"))
    report = await server.report()
    report.accept()
    status = await drained(server, process)

    output = report.results["t1"]["output"]
    assert (poll.request["free"], poll.request["name"]) == (7, "w")
    assert output["storage"] == str(app.parent / "storage.py")
    assert output["path"][0] == str(app.parent)
    assert str(Path(__file__).parents[3]) not in output["path"]
    assert status == 0


async def test_a_function_that_exits_does_not_end_the_worker(
    server: ScriptedServer, app: Path
) -> None:
    process = await start(app, server)
    (await server.poll()).deliver(delivery("t1", "exit"))
    report = await server.report()
    report.accept()
    status = await drained(server, process)

    assert report.results["t1"]["error"] == "Runtime.ExitError"
    assert status == 0


async def test_a_function_that_hangs_is_given_up_after_the_drain(
    server: ScriptedServer, app: Path
) -> None:
    process = await start(app, server, "--drain-seconds", "0.1")
    (await server.poll()).deliver(delivery("t1", "hang"))
    (await server.report()).accept()
    process.send_signal(signal.SIGTERM)
    report = await server.report()
    report.accept()
    (await server.bye()).reply({})
    status = await process.wait()

    assert report.results["t1"]["error"] == "Lambda.Unknown"
    assert status == 1


def test_a_file_that_is_not_there_is_said_in_a_word(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stepwell", "worker", str(tmp_path / "gone.py")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "there is no file" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys, contextlib\n"
        "from stepwell.command import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "heavy = {'uvloop', 'httptools', 'urllib3', 'aiohttp', 'rich', 'typer'}\n"
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "--drain-seconds" in done.stdout
    assert done.stdout.endswith("set()\n")
