"""Runs of distributed Maps, and the ends of their children."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from storage.schema.base import CHURN, exact, metadata, timestamp

map_runs = Table(
    "map_runs",
    metadata,
    Column("map_run_id", Uuid, nullable=False),
    Column("execution_id", Uuid, nullable=False),
    Column("start_date", timestamp(), nullable=False),
    Column("stop_date", timestamp()),
    Column("redrive_date", timestamp()),
    Column("tolerated_percentage", Double, nullable=False),
    Column("tolerated_count", BigInteger, nullable=False),
    Column("output_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("shard", Integer, nullable=False),
    Column(
        "event_id",
        Integer,
        nullable=False,
        comment="the event of its execution that has begun it: MapRunStarted, or "
        "MapRunRedriven",
    ),
    Column("max_concurrency", Integer, nullable=False),
    Column("items_total", Integer, nullable=False),
    *(
        Column(f"{counted}_{state}", Integer, nullable=False, server_default=text("0"))
        for counted in ("items", "children")
        for state in ("started", "succeeded", "failed", "timed_out", "aborted")
    ),
    Column("redrive_count", Integer, nullable=False, server_default=text("0")),
    Column(
        "is_due",
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="there may be something to do besides taking the ends of children",
    ),
    Column(
        "is_ending",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="its end is on the way to its execution",
    ),
    Column(
        "is_settled",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="it has ended, and so have all its children",
    ),
    Column("arn", exact(), nullable=False),
    Column("execution_type", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'RUNNING'")),
    Column(
        "is_redriven",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="it was redriven, and has not begun to come to its children again",
    ),
    PrimaryKeyConstraint("shard", "map_run_id"),
    # Finds a run for somebody who knows only its ARN.
    UniqueConstraint("arn", "shard"),
    CheckConstraint(
        "status IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED')", name="status"
    ),
    CheckConstraint("(status = 'RUNNING') = (stop_date IS NULL)", name="stop_date"),
    # The runs of one execution, in their order.
    Index("map_runs_execution", "shard", "execution_id", "start_date"),
    # Runs that somebody must look after.
    Index("map_runs_unsettled", "shard", postgresql_where=text("NOT is_settled")),
    # Rewritten whenever children start or end: room beside it keeps that in its page.
    postgresql_with={"fillfactor": "50", **CHURN},
    comment="Runs of distributed Maps: where each stands, and what bounds it.",
)

map_run_ends = Table(
    "map_run_ends",
    metadata,
    Column("map_run_id", Uuid, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("child_index", Integer, nullable=False),
    Column("items", Integer, nullable=False),
    Column("output_bytes", Integer, nullable=False),
    Column("status", Text, nullable=False),
    PrimaryKeyConstraint("shard", "map_run_id", "child_index"),
    postgresql_with=CHURN,
    comment="Children of Map Runs that have ended, until the run has counted them.",
)
