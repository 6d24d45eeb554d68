"""What an open execution waits for: times, tasks, stimuli; and who is set aside."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from storage.schema.base import CHURN, metadata, timestamp

timers = Table(
    "timers",
    metadata,
    Column("execution_id", Uuid, nullable=False),
    Column("due", timestamp(), nullable=False),
    Column("shard", Integer, nullable=False),
    Column("event_id", Integer, nullable=False),
    Column(
        "kind",
        SmallInteger,
        nullable=False,
        comment="1 wait, 2 retry, 3 task timeout, 4 heartbeat, 5 execution timeout",
    ),
    PrimaryKeyConstraint("shard", "execution_id", "event_id", "kind"),
    CheckConstraint("kind BETWEEN 1 AND 5", name="kind"),
    # What is due next in the shards that an engine holds.
    Index("timers_due", "shard", "due"),
    postgresql_with=CHURN,
    comment="When an open execution must be woken.",
)

tasks = Table(
    "tasks",
    metadata,
    Column("execution_id", Uuid, nullable=False),
    Column("created_at", timestamp(), nullable=False),
    Column("shard", Integer, nullable=False),
    Column("event_id", Integer, nullable=False, comment="the scheduled event"),
    Column("function", Text, comment="NULL: no worker serves it, somebody calls back"),
    Column("resource", Text),
    Column("worker", Text, comment="the worker session it was assigned to"),
    PrimaryKeyConstraint("shard", "execution_id", "event_id"),
    # What a lost worker session held.
    Index(
        "tasks_worker",
        "worker",
        postgresql_where=text("worker IS NOT NULL"),
    ),
    # What waits for the pollers of an activity. A task that is assigned as it is scheduled
    # never enters it.
    Index(
        "tasks_waiting",
        "function",
        "created_at",
        postgresql_where=text("worker IS NULL AND function IS NOT NULL"),
    ),
    postgresql_with=CHURN,
    comment="Attempts that were scheduled and are not closed.",
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("execution_id", Uuid, nullable=False),
    Column("created_at", timestamp(), nullable=False),
    Column("consumed_at", timestamp()),
    Column("shard", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("verdict", Text),
    Column("asker", Text, comment="the engine that waits for the verdict"),
    Column("caller", Text, comment="who asked, as JSON text; NULL: nobody is known"),
    PrimaryKeyConstraint("shard", "id"),
    postgresql_with=CHURN,
    comment="Stimuli that wait for the engine that holds their shard, and its verdicts.",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("execution_id", Uuid, nullable=False),
    Column("created_at", timestamp(), nullable=False),
    Column("shard", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("shard", "execution_id"),
    comment="Executions that were set aside because they could not be advanced.",
)
