"""Executions made by the real core, written to the tables as an engine would leave them.

A `Recorder` runs a machine over stimuli in memory and saves its log, its open timers and
its open tasks. It is for tests of what reads the tables: nothing here commits per decision.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from psycopg import Connection
from psycopg.types.json import Json

from asl.model import Machine
from asl.parse import parse_machine
from asl.payload import Payload
from runtime import events as ev
from runtime import stimuli as st
from runtime.advance import advance, hold
from runtime.chance import SeededEntropy
from runtime.evolve import evolve
from runtime.execution import Execution
from runtime.identity import execution_id_of, shard_of
from runtime.principal import Principal
from runtime.tokens import TokenSigner
from runtime.turn import Turn
from storage.codec import encode

ACCOUNT = "arn:aws:states:us-east-1:123456789012"
BEGINNING = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SHARDS = 64
SIGNER = TokenSigner({1: b"k" * 32})


def machine_arn(name: str) -> str:
    return f"{ACCOUNT}:stateMachine:{name}"


def execution_arn(machine: str, name: str) -> str:
    return f"{ACCOUNT}:execution:{machine}:{name}"


@dataclass(slots=True, kw_only=True)
class Recorder:
    """One execution. Each stimulus takes `step` of time."""

    machine_name: str
    definition: dict[str, Any]
    name: str = "order-1"
    generation: int = 1
    workers: dict[str, str] = field(default_factory=dict)
    now: datetime = BEGINNING
    step: timedelta = timedelta(seconds=1)
    log: list[ev.HistoryEvent] = field(default_factory=list)
    machine: Machine = field(init=False)
    execution: Execution = field(init=False)

    def __post_init__(self) -> None:
        self.machine = parse_machine(json.dumps(self.definition))
        arn = self.arn
        self.execution = Execution(
            shard=shard_of(arn, SHARDS),
            execution_id=execution_id_of(arn, self.generation),
        )

    @property
    def arn(self) -> str:
        return execution_arn(self.machine_name, self.name)

    @property
    def machine_arn(self) -> str:
        return machine_arn(self.machine_name)

    @property
    def revision_id(self) -> UUID:
        return uuid5(UUID(int=0), f"{self.machine_name}{json.dumps(self.definition)}")

    @property
    def open_task(self) -> int:
        """The scheduled event of the only open task."""
        (scheduled_id,) = self.execution.tasks
        return scheduled_id

    def start(self, payload: Any = None, caller: Principal | None = None) -> Recorder:
        text = payload if isinstance(payload, str) else json.dumps(payload or {})
        started = ev.ExecutionStarted(
            id=1,
            time=self.now,
            payload=Payload.of_text(text),
            role_arn="arn:aws:iam::123456789012:role/orders",
            arn=self.arn,
            name=self.name,
            state_machine_arn=self.machine_arn,
            state_machine_name=self.machine_name,
            start_at=self.machine.regions[0].start_at,
            caller=caller,
        )
        assert started.payload is not None
        hold(self.execution, started, started.payload)
        evolve(self.execution, started)
        self.log.append(started)
        return self.feed(st.Begin())

    def feed(self, stimulus: st.Stimulus) -> Recorder:
        self.now += self.step
        turn = Turn(
            now=self.now,
            entropy=SeededEntropy(b"recorder"),
            signer=SIGNER,
            claim=self.workers.get,
        )
        done = advance(self.machine, self.execution, stimulus, turn)
        self.log += done.events
        return self.feed(st.Continue()) if done.is_cut else self

    def succeed(self, output: Any) -> Recorder:
        payload = Payload.of_text(json.dumps(output))
        return self.feed(st.WorkerReturned(self.open_task, payload))

    def raise_error(self, error: str, cause: str = "{}") -> Recorder:
        return self.feed(st.WorkerRaised(self.open_task, error, cause))

    def fire(self) -> Recorder:
        """Let the earliest timer fire, in its time."""
        timers = self.execution.timers
        key = min(timers, key=lambda timer: timers[timer])
        self.now = max(self.now, timers[key])
        return self.feed(st.TimerFired(*key))

    def save(self, connection: Connection[Any]) -> Recorder:
        with connection.transaction():
            self._save_machine(connection)
            self._save_record(connection)
            self._save_log(connection)
            self._save_open(connection)
        return self

    def _save_machine(self, connection: Connection[Any]) -> None:
        connection.execute(
            "INSERT INTO state_machine_revisions (revision_id, number, created_at, "
            "state_machine_arn, definition, role_arn) "
            "VALUES (%s, 1, %s, %s, %s, 'role') ON CONFLICT DO NOTHING",
            [
                self.revision_id,
                BEGINNING,
                self.machine_arn,
                json.dumps(self.definition),
            ],
        )
        connection.execute(
            "INSERT INTO state_machines (arn, name, type, status, role_arn, revision_id, "
            "created_at, updated_at, logging_configuration) "
            "VALUES (%s, %s, 'STANDARD', 'ACTIVE', 'role', %s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            [
                self.machine_arn,
                self.machine_name,
                self.revision_id,
                BEGINNING,
                BEGINNING,
                Json({"level": "OFF"}),
            ],
        )

    def _save_record(self, connection: Connection[Any]) -> None:
        execution = self.execution
        connection.execute(
            "INSERT INTO execution_records (shard, execution_id, arn, generation, name, "
            "state_machine_arn, revision_id, status, start_date, stop_date, "
            "last_event_id, redrive_count, redrive_date) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                execution.shard,
                execution.execution_id,
                self.arn,
                self.generation,
                self.name,
                self.machine_arn,
                self.revision_id,
                str(execution.status),
                self.log[0].time,
                execution.stopped,
                None if execution.is_open else execution.last_event_id,
                execution.redrive_count,
                execution.redriven,
            ],
        )

    def _save_log(self, connection: Connection[Any]) -> None:
        key = (self.execution.shard, self.execution.execution_id)
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO events (shard, execution_id, event_id, previous_id, type, "
                'time, scope, visit, data_from, state_name, "data", details, memo) '
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [key + tuple(encode(event)) for event in self.log],
            )

    def _save_open(self, connection: Connection[Any]) -> None:
        key = (self.execution.shard, self.execution.execution_id)
        for (event_id, kind), due in self.execution.timers.items():
            connection.execute(
                "INSERT INTO timers (shard, execution_id, event_id, kind, due) "
                "VALUES (%s, %s, %s, %s, %s)",
                [*key, event_id, int(kind), due],
            )
        for event_id, task in self.execution.tasks.items():
            connection.execute(
                "INSERT INTO tasks (shard, execution_id, event_id, function, resource, "
                "worker, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [*key, event_id, task.function, task.resource, task.worker, self.now],
            )
