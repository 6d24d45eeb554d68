"""The outside world: starts executions, answers callbacks, stops and redrives some.

It remembers every 200. Whatever was answered with one must exist; whatever was not is asked again, elsewhere.
"""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from scheduler.clock import host_now
from tests.crash.definitions import MACHINES

ROLE = "arn:aws:iam::123456789012:role/made-up"
# What a request that was repeated may be told, because the first one had its effect.
REPEATED = {"ExecutionAlreadyExists", "TaskTimedOut", "TaskDoesNotExist"}
_TIMEOUT = aiohttp.ClientTimeout(total=7)


@dataclass(slots=True)
class Load:
    """Everything that was asked for, and what came of it."""

    endpoints: list[str]
    ledger: Path
    chance: random.Random
    session: aiohttp.ClientSession
    machines: dict[str, str] = field(default_factory=dict)
    allowed: dict[str, set[str]] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    waiting: dict[int, str] = field(default_factory=dict)
    troubles: Counter[str] = field(default_factory=Counter)
    redriven: int = 0
    _read: int = 0
    _busy: set[asyncio.Task[None]] = field(default_factory=set)

    async def prepare(self) -> None:
        """Create the machines."""
        for name, definition in MACHINES.items():
            request = {
                "name": name,
                "definition": json.dumps(definition),
                "roleArn": ROLE,
            }
            answer = await self._call("CreateStateMachine", request)
            self.machines[name] = answer["stateMachineArn"]

    def go(self, count: int) -> None:
        """Begin to start executions, each in its own time."""
        for _ in range(count):
            self._spawn(self._one_execution())

    def look(self) -> None:
        """Answer the callbacks that the ledger has asked for meanwhile."""
        with self.ledger.open("rb") as ledger:
            ledger.seek(self._read)
            lines = ledger.read().split(b"\n")
        self._read += sum(len(line) + 1 for line in lines[:-1])
        for line in lines[:-1]:
            if b'"token"' in line:
                entry = json.loads(line)
                self._spawn(self._answer(entry["token"], entry["attempt"]))

    async def settle(self, seconds: float) -> None:
        """Wait until every request has its answer."""
        try:
            async with asyncio.timeout(seconds):
                while self._busy:
                    await asyncio.wait(self._busy)
        except TimeoutError:
            msg = f"no answer to {self.waiting}, but {dict(self.troubles)}"
            raise AssertionError(msg) from None

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    # What is asked for

    async def _one_execution(self) -> None:
        chance = self.chance
        kind = chance.choice(list(MACHINES))
        is_bad = kind == "order" and chance.random() < 0.2
        is_stopped = chance.random() < 0.1
        is_redriven = chance.random() < 0.7
        until = host_now().astimezone(UTC) + timedelta(seconds=chance.uniform(0, 3))
        given = {
            "kind": "bad" if is_bad else "good",
            "items": [{"n": n} for n in range(chance.randrange(5))],
            "until": until.isoformat().replace("+00:00", "Z"),
        }
        pauses = chance.uniform(0, 2), chance.uniform(0, 1), chance.uniform(0, 1)
        await asyncio.sleep(pauses[0])
        request = {
            "stateMachineArn": self.machines[kind],
            "name": uuid.uuid4().hex,
            "input": json.dumps(given),
        }
        await self._call("StartExecution", request)
        arn = self.machines[kind].replace(":stateMachine:", ":execution:")
        arn = f"{arn}:{request['name']}"
        self.allowed[arn] = {"FAILED" if is_bad else "SUCCEEDED"}
        if is_stopped:
            self.allowed[arn].add("ABORTED")
            await asyncio.sleep(pauses[1])
            await self._call("StopExecution", {"executionArn": arn, "error": "Halt"})
            if is_redriven:
                await asyncio.sleep(pauses[2])
                await self._redrive(arn)

    async def _redrive(self, arn: str) -> None:
        """Redrive what was stopped, unless it had ended well before; then it must end well."""
        request = {"executionArn": arn, "clientToken": uuid.uuid4().hex}
        answer = await self._call("RedriveExecution", request)
        if "__type" not in answer:
            self.redriven += 1
        self.allowed[arn].discard("ABORTED")

    async def _answer(self, token: str, attempt: str) -> None:
        request = {"taskToken": token, "output": json.dumps({"answer": attempt})}
        answer = await self._call("SendTaskSuccess", request)
        if "__type" not in answer:
            self.answered[attempt] = token

    # Asking until there is an answer

    async def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.waiting[id(request)] = f"{operation} {request}"
        while True:
            endpoint = self.chance.choice(self.endpoints)
            answer = await self._try(endpoint, operation, request)
            if answer is not None:
                break
            await asyncio.sleep(0.1)
        del self.waiting[id(request)]
        refusal = answer.get("__type", "").rpartition("#")[2]
        has_succeeded = "SUCCEEDED" in answer.get("message", "")
        if refusal == "ExecutionNotRedrivable" and has_succeeded:
            return answer
        if refusal and refusal not in REPEATED:
            self.refusals.append(f"{operation}: {answer}")
        return answer

    async def _try(
        self, endpoint: str, operation: str, request: dict[str, Any]
    ) -> dict[str, Any] | None:
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AWSStepFunctions.{operation}",
        }
        try:
            async with self.session.post(
                endpoint, data=json.dumps(request), headers=headers, timeout=_TIMEOUT
            ) as response:
                if response.status >= 500:
                    self.troubles[f"{operation}: {await response.text()}"] += 1
                    return None
                answer: dict[str, Any] = json.loads(await response.read())
        except (aiohttp.ClientError, OSError) as error:
            self.troubles[f"{operation}: {type(error).__name__}"] += 1
            return None
        return None if "Throttling" in answer.get("__type", "") else answer
