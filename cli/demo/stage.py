"""The processes of the demo: a database, an engine to be killed, a worker to be killed."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from cli.children import stepwell_command
from cli.client import Client
from cli.commands.start import put_machine
from cli.definitionfile import read_definition
from cli.errors import CommandError
from cli.listening import DEFAULT_HOST, reserve
from cli.serverprocess import database_environment
from storage.database import connect
from storage.embedded import EmbeddedServer
from storage.migrate import migrate

T = TypeVar("T")

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "examples" / "orders"
MACHINE: Final = "orders"
# Seven by default: shorter here, so that nobody has to wait for the demo.
WORKER_SECONDS: Final = 4
_LOOK_SECONDS: Final = 0.02
_LAST_WORDS: Final = 2_000


class DemoFailedError(CommandError):
    """Something did not go as the demo claims."""


class Stage:
    """Everything that runs in the demo; a context manager that ends all of it."""

    def __init__(self, folder: Path) -> None:
        """Take the folder for the data, the ledger and the logs."""
        self.folder = folder
        self.ledger_file = folder / "ledger.jsonl"
        self._database = EmbeddedServer(folder / "data")
        self._port = reserve(DEFAULT_HOST, 0)
        port = self._port.getsockname()[1]
        self.endpoint = f"http://{DEFAULT_HOST}:{port}"
        self.client = Client(self.endpoint)
        self._words = ["serve", "--joined", f"--port={port}"]
        self._words.append(f"--worker-seconds={WORKER_SECONDS}")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._nobody = Event()

    def __enter__(self) -> Self:
        """Start everything."""
        try:
            self.url = self._database.start()
            migrate(self.url)
            self.connection = connect(self.url, autocommit=True)
            self.start_engine()
            self.start_worker()
            self.machine = put_machine(
                self.client, MACHINE, read_definition(str(EXAMPLE / "orders.asl.json"))
            )
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End everything."""
        self._close()

    # Processes

    def start_engine(self) -> int:
        """Start the engine with its API; return its process id once it is ready."""
        pid = self._start("engine", self._words, database_environment(self.url))
        self.until("the engine is ready", self.client.is_ready)
        return pid

    def start_worker(self) -> int:
        """Start a worker; return its process id."""
        words = ["worker", str(EXAMPLE / "functions.py"), f"--endpoint={self.endpoint}"]
        return self._start("worker", words, {"ORDERS_LEDGER": str(self.ledger_file)})

    def kill(self, name: str) -> int:
        """Kill a process with SIGKILL; return its id once it is gone."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()
        return process.pid

    def last_words(self) -> str:
        """Return the end of the processes' logs."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-_LAST_WORDS:]}"
            for log in logs
        )

    def _start(self, name: str, words: list[str], extra: dict[str, str]) -> int:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                stepwell_command(*words),
                env={**os.environ, **extra},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes[name] = process
        return process.pid

    def _close(self) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()
        self._port.close()
        if hasattr(self, "connection"):
            self.connection.close()
        self._database.stop()

    # What is done and seen

    def start_order(self, order: dict[str, Any]) -> str:
        """Start the execution of an order; return its ARN."""
        started = self.client.call(
            "StartExecution",
            stateMachineArn=self.machine,
            name=order["orderId"],
            input=json.dumps(order),
        )
        return str(started["executionArn"])

    def describe(self, arn: str) -> dict[str, Any]:
        """Describe an execution."""
        return self.client.call("DescribeExecution", executionArn=arn)

    def end_of(self, arn: str, seconds: float = 20.0) -> dict[str, Any]:
        """Wait until an execution has ended, and describe it."""

        def ended() -> dict[str, Any] | None:
            execution = self.describe(arn)
            return None if execution["status"] == "RUNNING" else execution

        return self.until(f"{arn} ends", ended, seconds)

    def history(self, arn: str) -> list[dict[str, Any]]:
        """Return an execution's events."""
        pages = self.client.pages("GetExecutionHistory", "events", executionArn=arn)
        return list(pages)

    def query(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run SQL; return the names of the columns, and the rows."""
        cursor = self.connection.execute(statement.encode())
        assert cursor.description is not None, "the demo only reads"
        return [column.name for column in cursor.description], cursor.fetchall()

    def ledger(self) -> list[dict[str, Any]]:
        """Read the ledger of charges."""
        if not self.ledger_file.exists():
            return []
        lines = self.ledger_file.read_text().splitlines()
        return [json.loads(line) for line in lines]

    def until(
        self, what: str, look: Callable[[], T | None], seconds: float = 20.0
    ) -> T:
        """Look until there is something; fail when it takes too long."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            found = look()
            if found:
                return found
            self.pause(_LOOK_SECONDS)
        msg = f"not within {seconds:g} s: {what}"
        raise DemoFailedError(msg)

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self._nobody.wait(seconds)
