"""`stepwell dev`: everything on one machine, kept alive, and ended in order."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from cli.client import Client
from storage.database import connect
from storage.embedded import EmbeddedServer
from tests.support.commands import RunningCommand, stepwell, until

FUNCTIONS: Final = """
from stepwell import task

@task("{name}")
def function(event):
    return "{result}"
"""
DEFINITION: Final = """{"StartAt": "C", "States": {"C": {"Type": "Task", "End": true,
    "Resource": "arn:aws:lambda:us-east-1:123456789012:function:first",
    "Retry": [{"ErrorEquals": ["Lambda.Unknown"], "IntervalSeconds": 1}]}}}"""


class Development:
    """A running `stepwell dev`."""

    def __init__(self, folder: Path, command: RunningCommand) -> None:
        self.folder = folder
        self.command = command
        self.client = Client(command.endpoint)
        self.machine = self.client.call(
            "CreateStateMachine",
            name="m",
            definition=DEFINITION,
            roleArn="arn:aws:iam::123456789012:role/r",
        )["stateMachineArn"]

    @property
    def worker(self) -> psutil.Process | None:
        """The worker process, while there is one."""
        parent = psutil.Process(self.command.process.pid)
        for child in parent.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "worker" in child.cmdline():
                    return child
        return None

    def output(self) -> str:
        """Run an execution and return its output."""
        started = self.client.call("StartExecution", stateMachineArn=self.machine)
        return until("it ends", lambda: self.output_of(started["executionArn"]))

    def output_of(self, arn: str) -> str | None:
        """Return the output of an execution, once it has one."""
        found = self.client.call("DescribeExecution", executionArn=arn)
        assert found["status"] in ("RUNNING", "SUCCEEDED"), found
        output: str | None = found.get("output")
        return output

    def serve(self, result: str) -> None:
        """Let the function return something else; wait until it does."""
        write_functions(self.folder, "first", result)
        until(f"it returns {result}", lambda: self.output() == f'"{result}"')

    def has_logged(self, phrase: str) -> bool:
        """Whether something was logged."""
        return any(phrase in line for line in self.command.logged)


def write_functions(folder: Path, name: str, result: str) -> None:
    (folder / "app.py").write_text(FUNCTIONS.format(name=name, result=result))


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    folder = tmp_path_factory.mktemp("dev")
    write_functions(folder, "first", "one")
    words = ("dev", "--port=0", "--functions=app.py", "--worker-seconds=2")
    with RunningCommand(*words, cwd=folder) as command:
        yield Development(folder, command)
    assert command.process.returncode == 0


def test_the_ready_line_comes_when_the_functions_can_be_called(
    dev: Development,
) -> None:
    assert "(functions: first)" in dev.command.ready_line
    assert len(dev.command.printed) == 1


def test_the_url_of_its_database_is_printed_with_when_it_answers(
    dev: Development,
) -> None:
    said = stepwell("sql", "--print", cwd=dev.folder)

    with connect(said.stdout.strip()) as connection:
        leases = connection.execute("SELECT count(*) FROM leases").fetchone()
    assert leases == (64,)
    assert "while `stepwell dev` or `serve` runs" in said.stderr


def test_a_worker_that_dies_is_replaced(dev: Development) -> None:
    dev.serve("before")
    victim = until("a worker", lambda: dev.worker)
    victim.kill()

    until("another worker", lambda: (it := dev.worker) and it.pid != victim.pid)
    assert dev.output() == '"before"'


def test_functions_that_change_are_served_anew(dev: Development) -> None:
    dev.serve("one result")
    dev.serve("another result")


def test_functions_that_are_broken_wait_for_their_repair(dev: Development) -> None:
    (dev.folder / "app.py").write_text("this is no Python")

    until("it is said", lambda: dev.has_logged("cannot start"))
    dev.serve("repaired")


def test_a_database_that_is_killed_is_brought_back(dev: Development) -> None:
    pid = EmbeddedServer(dev.folder / ".stepwell").postmaster()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    until("it was noticed", lambda: dev.has_logged("embedded server died"))
    dev.serve("back again")


def test_what_was_running_when_it_was_killed_goes_on(tmp_path: Path) -> None:
    write_functions(tmp_path, "second", "unused")
    words = ("dev", "--port=0", "--functions=app.py")
    with RunningCommand(*words, cwd=tmp_path) as command:
        before = Development(tmp_path, command)
        started = before.client.call("StartExecution", stateMachineArn=before.machine)
        worker = until("a worker", lambda: before.worker)
        command.process.kill()
        until("the worker ends too", lambda: not worker.is_running())

    write_functions(tmp_path, "first", "one")
    with RunningCommand(*words, cwd=tmp_path) as command:
        after = Development(tmp_path, command)
        arn = started["executionArn"]
        assert until("it ends", lambda: after.output_of(arn)) == '"one"'
