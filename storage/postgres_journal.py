"""The journal in PostgreSQL: one transaction per batch, sent as one pipeline.

The transaction is fenced first: it locks its leases at the expected epochs, or aborts before
anything is written. Rows are sorted by key, so that two transactions never lock each other.
What a failed commit means is told by SQLSTATE only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import DivisionByZero, OperationalError

from runtime.events import HistoryEvent
from runtime.execution import OpenTask
from runtime.identity import ExecutionId, uuid_bytes
from runtime.journal import (
    Batch,
    CommitAbortedError,
    Entry,
    FenceLostError,
    OutcomeUnknownError,
    RowRefusedError,
)
from storage.arrays import (
    PgArray,
    int2_array,
    int4_array,
    int8_array,
    text_array,
    timestamptz_array,
    uuid_array,
)
from storage.codec import EventRow, columns_of, decode, encode
from storage.errors import ends_session
from storage.map_run_rows import map_run_statements
from storage.statements import statements

_SQL: Final = statements("journal")
# Serialisation, deadlock, too many connections, what Citus reports for a lost node; a
# key that exists: the state in memory was behind the log, and is to be folded again; an
# execution to be reopened that was deleted meanwhile; and a prepared statement that does not
# exist.
_NOT_PREPARED: Final = "26000"
_DELETED: Final = "21000"
_PASSING: Final = frozenset(
    {"40001", "40P01", "53300", "XX000", "23505", _DELETED, _NOT_PREPARED}
)
_STANDBY_WARNING: Final = "canceling wait for synchronous replication"


class PostgresJournal:
    """Appends the batches of one lane over the lane's own connection."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        """Take a connection in autocommit mode that nobody else uses."""
        self.connection = connection
        self._standby_was_cancelled = False
        connection.add_notice_handler(self._notice)

    def _notice(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        if _STANDBY_WARNING in (diagnostic.message_primary or ""):
            self._standby_was_cancelled = True

    async def commit(self, batch: Batch) -> None:
        """Write a batch in one transaction, or raise one of the errors of the protocol."""
        batch.entries.sort(key=lambda entry: (entry.shard, entry.execution_id))
        statements_to_send = _written(batch)
        cut = [entry for entry in batch.entries if entry.is_cut]
        try:
            async with self.connection.pipeline():
                await self.connection.execute(b"BEGIN")
                for name, parameters in statements_to_send:
                    await self.connection.execute(_SQL[name], parameters)
                continued = await self._continue(batch, cut) if cut else None
                await self.connection.execute(b"COMMIT")
        except psycopg.Error as error:
            raise await self._explain(error) from error
        if self._standby_was_cancelled:
            self._standby_was_cancelled = False
            raise OutcomeUnknownError(
                "the wait for a synchronous standby was cancelled"
            )
        if continued is not None:
            batch.continuations = {row[1]: row[0] for row in await continued.fetchall()}

    async def _continue(self, batch: Batch, cut: list[Entry]) -> Any:
        return await self.connection.execute(
            _SQL["continue_executions"],
            {
                "execution_ids": uuid_array(uuid_bytes(e.execution_id) for e in cut),
                "shards": int4_array(entry.shard for entry in cut),
                "now": batch.now,
            },
        )

    async def _explain(self, error: psycopg.Error) -> Exception:
        """Tell what a failed commit means, and leave the connection usable if it lives."""
        state = error.sqlstate or ""
        is_lost = self.connection.broken or self.connection.closed
        if is_lost or ends_session(state):
            return OutcomeUnknownError(str(error))
        try:
            # Not by a statement: this also forgets which statements are prepared. Those that
            # an aborted pipeline did not prepare, psycopg believes to be.
            await self.connection.rollback()
            if state == _NOT_PREPARED:
                await self.connection.close()
        except OperationalError as lost:
            return OutcomeUnknownError(str(lost))
        if isinstance(error, DivisionByZero):
            return FenceLostError("a lease of the batch is held by somebody else")
        if state in _PASSING:
            return CommitAbortedError(f"{state}: {error}")
        return RowRefusedError(f"{state}: {error}")

    async def load(
        self, executions: Sequence[tuple[int, ExecutionId]]
    ) -> dict[ExecutionId, list[HistoryEvent]]:
        """Read whole logs, in one statement."""
        cursor = await self.connection.execute(
            _SQL["load_events"], execution_keys(executions)
        )
        rows: dict[ExecutionId, list[EventRow]] = defaultdict(list)
        for row in await cursor.fetchall():
            rows[row[0]].append(EventRow(*row[1:]))
        return {execution_id: decode(log) for execution_id, log in rows.items()}

    async def has_landed(self, entry: Entry) -> bool:
        """Tell whether the first event of an entry exists."""
        cursor = await self.connection.execute(
            _SQL["first_event_exists"],
            {
                "shard": entry.shard,
                "execution_id": entry.execution_id,
                "event_id": entry.events[0].id,
            },
        )
        row = await cursor.fetchone()
        return bool(row and row[0])


def execution_keys(
    executions: Sequence[tuple[int, ExecutionId]],
) -> dict[str, PgArray]:
    """Return the keys of executions as the parameters of a statement."""
    return {
        "shards": int4_array(shard for shard, _ in executions),
        "execution_ids": _uuids(execution_id for _, execution_id in executions),
    }


def _uuids(execution_ids: Iterable[ExecutionId]) -> PgArray:
    return uuid_array(uuid_bytes(execution_id) for execution_id in execution_ids)


def _written(batch: Batch) -> list[tuple[str, dict[str, Any]]]:
    """Return the statements of a batch; one entry that has no form must not hold up all."""
    try:
        return list(_statements(batch))
    except Exception as error:
        msg = f"{type(error).__name__}: {error}"
        raise RowRefusedError(msg) from error


def _statements(batch: Batch) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the statements of a batch in the order in which they lock."""
    shards = sorted({entry.shard for entry in batch.entries})
    yield (
        "fence",
        {
            "shards": int4_array(shards),
            "epochs": int8_array(batch.epochs[shard] for shard in shards),
            "expected": len(shards),
        },
    )
    yield from _events(batch.entries)
    yield from _reopenings(batch.entries)
    yield from _closings(batch.entries)
    yield from _timers(batch.entries)
    yield from _tasks(batch.entries)
    yield from map_run_statements(batch.entries)
    yield from _inbox(batch)


def _events(entries: Sequence[Entry]) -> Iterable[tuple[str, dict[str, Any]]]:
    keys: list[bytes] = []
    shards: list[int] = []
    rows: list[EventRow] = []
    for entry in entries:
        if entry.events:
            count = len(entry.events)
            keys += [uuid_bytes(entry.execution_id)] * count
            shards += [entry.shard] * count
            rows += [encode(event) for event in entry.events]
    if rows:
        yield "append_events", _event_parameters(keys, shards, rows)


def _event_parameters(
    keys: Sequence[bytes], shards: Sequence[int], rows: Sequence[EventRow]
) -> dict[str, PgArray]:
    """Turn event rows and their keys into the arrays of an insert."""
    columns = columns_of(rows)
    return {
        "execution_ids": uuid_array(keys),
        "shards": int4_array(shards),
        "event_ids": int4_array(columns.event_id),
        "previous_ids": int4_array(columns.previous_id),
        "types": int2_array(columns.type),
        "times": timestamptz_array(columns.time),
        "scopes": int8_array(columns.scope),
        "visits": int4_array(columns.visit),
        "data_froms": int4_array(columns.data_from),
        "state_names": text_array(columns.state_name),
        "datas": text_array(columns.data),
        "details": text_array(columns.details),
        "memos": text_array(columns.memo),
    }


def _reopenings(entries: Sequence[Entry]) -> Iterable[tuple[str, dict[str, Any]]]:
    reopened = [(each, each.reopening) for each in entries if each.reopening]
    if reopened:
        yield (
            "reopen_executions",
            {
                "shards": int4_array(entry.shard for entry, _ in reopened),
                "execution_ids": _uuids(entry.execution_id for entry, _ in reopened),
                "redrive_counts": int4_array(count for _, (count, _) in reopened),
                "redrive_dates": timestamptz_array(date for _, (_, date) in reopened),
                "expected": len(reopened),
            },
        )


def _closings(entries: Sequence[Entry]) -> Iterable[tuple[str, dict[str, Any]]]:
    closed = [(entry, entry.closing) for entry in entries if entry.closing is not None]
    if closed:
        yield (
            "close_executions",
            {
                "shards": int4_array(entry.shard for entry, _ in closed),
                "execution_ids": _uuids(entry.execution_id for entry, _ in closed),
                "statuses": text_array(closing[0].value for _, closing in closed),
                "stop_dates": timestamptz_array(closing[1] for _, closing in closed),
                "last_event_ids": int4_array(closing[2] for _, closing in closed),
            },
        )


def _timers(entries: Sequence[Entry]) -> Iterable[tuple[str, dict[str, Any]]]:
    opened = [
        (entry, key, due)
        for entry in entries
        for key, due in sorted(entry.opened_timers)
    ]
    if opened:
        yield (
            "open_timers",
            {
                "execution_ids": _uuids(entry.execution_id for entry, _, _ in opened),
                "dues": timestamptz_array(due for _, _, due in opened),
                "shards": int4_array(entry.shard for entry, _, _ in opened),
                "event_ids": int4_array(key[0] for _, key, _ in opened),
                "kinds": int2_array(key[1] for _, key, _ in opened),
            },
        )
    closed = [(entry, key) for entry in entries for key in sorted(entry.closed_timers)]
    if closed:
        yield (
            "close_timers",
            {
                "execution_ids": _uuids(entry.execution_id for entry, _ in closed),
                "shards": int4_array(entry.shard for entry, _ in closed),
                "event_ids": int4_array(key[0] for _, key in closed),
                "kinds": int2_array(key[1] for _, key in closed),
            },
        )


def _tasks(entries: Sequence[Entry]) -> Iterable[tuple[str, dict[str, Any]]]:
    opened = [(entry, task) for entry in entries for task in entry.opened_tasks]
    if opened:
        yield (
            "open_tasks",
            {
                **_task_keys(opened),
                "created_ats": timestamptz_array(
                    entry.events[0].time for entry, _ in opened
                ),
                "functions": text_array(_waiting_function(task) for _, task in opened),
                "resources": text_array(task.resource for _, task in opened),
                "workers": text_array(task.worker for _, task in opened),
            },
        )
    changed = [(entry, task) for entry in entries for task in entry.changed_tasks]
    if changed:
        yield (
            "change_tasks",
            {
                **_task_keys(changed),
                "functions": text_array(_waiting_function(task) for _, task in changed),
                "workers": text_array(task.worker for _, task in changed),
            },
        )
    closed = [(entry, task_id) for entry in entries for task_id in entry.closed_tasks]
    if closed:
        yield (
            "close_tasks",
            {
                "execution_ids": _uuids(entry.execution_id for entry, _ in closed),
                "shards": int4_array(entry.shard for entry, _ in closed),
                "event_ids": int4_array(task_id for _, task_id in closed),
            },
        )


def _task_keys(tasks: Sequence[tuple[Entry, OpenTask]]) -> dict[str, PgArray]:
    return {
        "execution_ids": _uuids(entry.execution_id for entry, _ in tasks),
        "shards": int4_array(entry.shard for entry, _ in tasks),
        "event_ids": int4_array(task.scheduled_id for _, task in tasks),
    }


def _waiting_function(task: OpenTask) -> str | None:
    """Name the function while a worker runs it or is wanted for it; not after submission."""
    return None if task.submitted_id else task.function


def _inbox(batch: Batch) -> Iterable[tuple[str, dict[str, Any]]]:
    consumed = [(entry.shard, row) for entry in batch.entries for row in entry.consumed]
    if consumed:
        yield (
            "consume_inbox",
            {
                "shards": int4_array(shard for shard, _ in consumed),
                "ids": int8_array(row for _, row in consumed),
            },
        )
    answered = [
        (entry.shard, row, verdict)
        for entry in batch.entries
        for row, verdict in entry.verdicts
    ]
    if answered:
        yield (
            "answer_inbox",
            {
                "shards": int4_array(shard for shard, _, _ in answered),
                "ids": int8_array(row for _, row, _ in answered),
                "verdicts": text_array(verdict for _, _, verdict in answered),
                "now": batch.now,
            },
        )
