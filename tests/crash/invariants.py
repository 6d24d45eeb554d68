"""What must hold when everything has come to rest, and one thing that must hold always.

Each function returns its findings as sentences; no finding is good.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg

from api.history import history_event
from asl.payload import Json
from cli.verification import findings as verification_findings
from runtime import events as ev
from runtime.evolve import fold
from runtime.identity import attempt_id, idempotency_key
from storage.arrays import register_arrays
from storage.connections import Connections, connection_pool
from storage.database import connect
from storage.histories import Histories
from storage.postgres_journal import PostgresJournal
from storage.verification import Verification
from tests.support.public_history import public_history
from tests.support.soundness import assert_sound
from tests.support.undone import without_the_undone

OWNERLESS = """
    SELECT records.arn
    FROM execution_records AS records
    WHERE records.status = 'RUNNING'
      AND NOT EXISTS (SELECT FROM timers AS t
                      WHERE (t.shard, t.execution_id)
                          = (records.shard, records.execution_id)
                        AND NOT (t.event_id = 1 AND t.kind = 5))
      AND NOT EXISTS (SELECT FROM tasks AS t
                      WHERE (t.shard, t.execution_id)
                          = (records.shard, records.execution_id))
      AND NOT EXISTS (SELECT FROM inbox AS i
                      WHERE (i.shard, i.execution_id)
                          = (records.shard, records.execution_id)
                        AND i.consumed_at IS NULL)
      AND NOT EXISTS (SELECT FROM map_runs AS m
                      WHERE (m.shard, m.execution_id)
                          = (records.shard, records.execution_id)
                        AND m.status = 'RUNNING')
"""

BROKEN = {
    "an id is missing or twice": """
        SELECT execution_id::text FROM events GROUP BY shard, execution_id
        HAVING min(event_id) <> 1 OR max(event_id) <> count(*)""",
    "the last event is not the one that the record names": """
        SELECT records.arn FROM execution_records AS records
        JOIN (SELECT shard, execution_id, max(event_id) AS last
              FROM events GROUP BY shard, execution_id) AS log
          USING (shard, execution_id)
        WHERE records.status <> 'RUNNING' AND records.last_event_id <> log.last""",
    "not exactly one terminal event, and one a redrive": """
        SELECT records.arn FROM execution_records AS records
        JOIN events USING (shard, execution_id)
        JOIN event_types ON event_types.code = events.type
        GROUP BY records.arn, records.status, records.execution_id
        HAVING count(*) FILTER (WHERE event_types.name IN ('ExecutionSucceeded',
            'ExecutionFailed', 'ExecutionAborted', 'ExecutionTimedOut'))
            <> (records.status <> 'RUNNING')::integer
             + count(*) FILTER (WHERE event_types.name = 'ExecutionRedriven')""",
    "an attempt has two outcomes": """
        SELECT execution_id::text FROM events
        JOIN event_types ON event_types.code = events.type
        WHERE event_types.name ~ '^(Task|LambdaFunction)(Succeeded|Failed|TimedOut)$'
        GROUP BY shard, execution_id, visit, previous_id
        HAVING count(*) > 1""",
    "an execution exists twice": """
        SELECT arn FROM execution_records GROUP BY arn HAVING count(*) > 1""",
    "a timer is left": "SELECT execution_id::text FROM timers",
    "a task is left": "SELECT execution_id::text FROM tasks",
    "a stimulus is left": """
        SELECT kind || ' ' || execution_id FROM inbox WHERE consumed_at IS NULL""",
    "a Map Run is not settled": """
        SELECT arn FROM map_runs WHERE NOT is_settled""",
    "an end of a child is not counted": """
        SELECT map_run_id::text FROM map_run_ends""",
    "a Map Run and its children disagree": """
        SELECT run.arn FROM map_runs AS run
        LEFT JOIN execution_records AS child ON child.map_run_arn = run.arn
        GROUP BY run.arn, run.children_started, run.children_succeeded
        HAVING count(child.arn) <> run.children_started
            OR count(*) FILTER (WHERE child.status = 'SUCCEEDED')
                <> run.children_succeeded""",
    "an execution is set aside": """
        SELECT execution_id || ' ' || reason || ' ' || detail FROM quarantine""",
}


def ownerless(connection: psycopg.Connection[Any]) -> list[str]:
    """Find open executions that nothing will ever wake; must hold at every instant."""
    rows = connection.execute(OWNERLESS.encode()).fetchall()
    return [f"nothing owns the progress of {row[0]}" for row in rows]


def broken(url: str) -> list[str]:
    """Find what the tables say against themselves, now that all executions are closed."""
    findings = []
    with connect(url, autocommit=True) as connection:
        for what, statement in BROKEN.items():
            rows = connection.execute(statement.encode()).fetchall()
            findings += [f"{what}: {row[0]}" for row in rows[:10]]
    return findings


def verified(url: str) -> list[str]:
    """Find what `stepwell verify --all` finds; must be nothing at every instant."""
    findings = []
    with connect(url, autocommit=True) as connection:
        verification = Verification(connection)
        shards = verification.shards()
        for shard in shards:
            for batch in verification.of_shard(shard):
                findings += [
                    f"{stored.record.arn}: {finding}"
                    for stored in batch
                    for finding in verification_findings(stored, len(shards))
                ]
            findings += [f"rows of nothing: {it}" for it in verification.strays(shard)]
    return findings


class Verdicts:
    """Looks at whole executions: their logs, folded and checked, beside the ledger."""

    def __init__(self, url: str, ledger: Path) -> None:
        self._url = url
        self._ledger = ledger
        self._checker = _checker()

    @property
    def has_checker(self) -> bool:
        """Whether the black-box checker is there to be asked."""
        return self._checker is not None

    async def findings(self, arns: Iterable[str]) -> list[str]:
        """Judge executions by their ARNs, and what the ledger says of them."""
        notes = self._notes()
        findings = [
            f"attempt {attempt} began {count} times"
            for attempt, count in Counter(note["attempt"] for note in notes).items()
            if count > 1
        ]
        by_execution: dict[str, list[dict[str, str]]] = {}
        for note in notes:
            by_execution.setdefault(note["execution"], []).append(note)
        async with connection_pool(self._url) as pool:
            for arn in arns:
                said = await self._judge(
                    pool.connection, arn, by_execution.get(arn, [])
                )
                findings += [f"{arn}: {finding}" for finding in said]
        return findings

    def _notes(self) -> list[dict[str, str]]:
        lines = self._ledger.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    async def _judge(
        self, connections: Connections, arn: str, notes: Sequence[dict[str, str]]
    ) -> list[str]:
        async with connections() as connection:
            cursor = await connection.execute(
                b"SELECT shard, execution_id::text, status, stop_date, start_date,"
                b" last_event_id, definition, execution_records.state_machine_arn"
                b" FROM execution_records"
                b" JOIN state_machine_revisions USING (revision_id) WHERE arn = %s",
                [arn],
            )
            row = await cursor.fetchone()
            if row is None:
                return ["a start was answered, and there is no execution"]
            shard, execution_id, status, stop, start, last, text, machine = row
            register_arrays(connection)
            journal = PostgresJournal(connection)
            log = (await journal.load([(shard, execution_id)]))[execution_id]
        execution = fold(shard, execution_id, log)
        assert_sound(execution)
        findings = []
        if (execution.status, execution.stopped, execution.last_event_id) != (
            status,
            stop,
            last,
        ):
            findings.append("the log folds to another end than the record's")
        findings += _against_ledger(execution_id, log, notes)
        findings += _early(log)
        if self._checker is not None:
            rows = await Histories(connections).whole(shard, execution_id)
            describe = {"status": status, "startDate": start, "stopDate": stop}
            events = [history_event(row) for row in rows]
            if execution.redrive_count:
                events = public_history(without_the_undone(log))
            checked = self._checker.check(events, _definition(text, machine), describe)
            findings += [str(finding) for finding in checked if finding[1] == "E"]
        return findings


def _definition(text: str, machine_arn: str) -> Any:
    """Return what an execution runs: a Map Run's child the processor with its label."""
    definition = json.loads(text)
    label = machine_arn.partition("/")[2]
    if not label:
        return definition
    maps = [s for s in definition["States"].values() if s.get("Label") == label]
    return maps[0]["ItemProcessor"]


def _against_ledger(
    execution_id: str, log: Sequence[ev.HistoryEvent], notes: Sequence[dict[str, str]]
) -> list[str]:
    """Nothing ran that was not started first; each result is its own attempt's."""
    started = {event.previous_id: event for event in log if _is_started(event)}
    ran = {note["attempt"] for note in notes}
    findings = []
    known = {attempt_id(execution_id, scheduled): scheduled for scheduled in started}
    for note in notes:
        if note["attempt"] not in known:
            findings.append(f"{note['attempt']} ran without a Started event")
            continue
        visit = started[known[note["attempt"]]].visit
        if note["key"] != idempotency_key(execution_id, visit):
            findings.append(f"{note['attempt']} ran under the key {note['key']}")
    for event in log:
        if not isinstance(event, ev.Succeeded) or event.payload is None:
            continue
        attempt = _attempt_in(event.payload.value)
        if attempt not in ran:
            findings.append(f"event {event.id}: {attempt} succeeded and never ran")
        elif not _is_outcome_of(event, known[attempt], log):
            findings.append(f"event {event.id} has the result of {attempt}")
    return findings


def _attempt_in(value: Json) -> str:
    """Return the attempt that a result names; lambda:invoke wraps it."""
    if isinstance(value, dict) and "Payload" in value:
        value = value["Payload"]
    if not isinstance(value, dict):
        return "nobody"
    return str(value.get("attempt") or value.get("answer"))


def _is_started(event: ev.HistoryEvent) -> bool:
    return isinstance(event, ev.Started)


def _is_outcome_of(
    event: ev.HistoryEvent, scheduled: int, log: Sequence[ev.HistoryEvent]
) -> bool:
    while event.id > scheduled:
        event = log[event.previous_id - 1]
    return event.id == scheduled


def _early(log: Sequence[ev.HistoryEvent]) -> list[str]:
    """Find waits that ended before they were due."""
    dues = {
        event.id: event.due
        for event in log
        if isinstance(event, ev.WaitStateEntered) and event.due is not None
    }
    return [
        f"event {event.id} woke early"
        for event in log
        if isinstance(event, ev.WaitStateExited)
        and event.visit in dues
        and event.time < dues[event.visit]
    ]


def _checker() -> ModuleType | None:
    """Load the black-box checker of histories, where there is one."""
    root = Path(__file__).resolve().parents[2]
    path = Path(
        os.environ.get("STEPWELL_CHECKER", root.parent / "shared" / "check_history.py")
    )
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location("check_history", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
