"""Single rows of the hot tables, for tests of the statements that read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from scheduler.horizon import TimerId
from storage.connections import Connection

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:made-up"


def execution_id(number: int) -> str:
    """The id of a made-up execution."""
    return str(UUID(int=number))


async def insert(connection: Connection, table: str, **columns: Any) -> None:
    """Insert one row."""
    names = ", ".join(columns)
    values = ", ".join(f"%({name})s" for name in columns)
    statement = f"INSERT INTO {table} ({names}) VALUES ({values})"
    await connection.execute(statement.encode(), columns)


async def insert_timers(
    connection: Connection, rows: Iterable[tuple[TimerId, datetime]]
) -> None:
    """Insert timer rows."""
    for (shard, execution, event_id, kind), due in rows:
        await insert(
            connection,
            "timers",
            shard=shard,
            execution_id=execution,
            event_id=event_id,
            kind=kind.value,
            due=due,
        )


async def insert_quarantine(
    connection: Connection, shard: int, number: int, now: datetime
) -> None:
    """Set a made-up execution aside."""
    await insert(
        connection,
        "quarantine",
        shard=shard,
        execution_id=execution_id(number),
        reason="refused",
        detail="",
        created_at=now,
    )


async def insert_machine(
    connection: Connection, now: datetime, number: int = 0, status: str = "ACTIVE"
) -> None:
    """Create a machine; made-up executions belong to number 0."""
    arn = MACHINE if not number else f"{MACHINE}-{number}"
    role = "arn:aws:iam::123456789012:role/made-up"
    await insert(
        connection,
        "state_machine_revisions",
        revision_id=execution_id(number),
        created_at=now,
        number=1,
        state_machine_arn=arn,
        definition="{}",
        role_arn=role,
    )
    await insert(
        connection,
        "state_machines",
        arn=arn,
        name="made-up",
        type="STANDARD",
        status=status,
        role_arn=role,
        revision_id=execution_id(number),
        created_at=now,
        updated_at=now,
        deleted_at=now if status == "DELETING" else None,
    )


async def insert_execution(
    connection: Connection,
    shard: int,
    number: int,
    start: datetime,
    stop: datetime | None = None,
    redrive: datetime | None = None,
) -> None:
    """Insert the record of an execution, open unless it has a stop date."""
    await insert(
        connection,
        "execution_records",
        shard=shard,
        execution_id=execution_id(number),
        revision_id=execution_id(0),
        arn=f"{MACHINE}:{number}",
        name=str(number),
        state_machine_arn=MACHINE,
        status="RUNNING" if stop is None else "SUCCEEDED",
        start_date=start,
        stop_date=stop,
        redrive_date=redrive,
        last_event_id=None if stop is None else 1,
    )
