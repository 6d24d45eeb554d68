"""Executions: a row each, their log, and what is accepted of Express."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from storage.schema.base import CHURN, exact, metadata, timestamp

execution_records = Table(
    "execution_records",
    metadata,
    Column("execution_id", Uuid, nullable=False),
    Column("revision_id", Uuid, nullable=False),
    Column("start_date", timestamp(), nullable=False),
    Column("stop_date", timestamp()),
    Column("redrive_date", timestamp()),
    Column("shard", Integer, nullable=False),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("last_event_id", Integer),
    Column("redrive_count", Integer, nullable=False, server_default=text("0")),
    Column("arn", exact(), nullable=False),
    Column("name", Text, nullable=False),
    Column("state_machine_arn", exact(), nullable=False),
    Column("status", exact(), nullable=False),
    Column("version_arn", Text),
    Column("alias_arn", Text),
    Column("map_run_arn", exact()),
    Column("trace_header", Text),
    Column("item_count", Integer),
    PrimaryKeyConstraint("shard", "execution_id"),
    # A name cannot be started twice. By ARN first, so that it also finds an execution for
    # somebody who knows only its ARN, as a person at a SQL prompt does.
    UniqueConstraint("arn", "generation", "shard"),
    CheckConstraint("(status = 'RUNNING') = (stop_date IS NULL)", name="stop_date"),
    CheckConstraint("generation >= 1", name="generation"),
    # Pages of one machine's executions, newest first, of one status; of all statuses as a
    # merge over them. Counts the open ones of a machine.
    Index(
        "execution_records_listing",
        "state_machine_arn",
        "status",
        text("start_date DESC"),
        text("execution_id DESC"),
    ),
    # The same of one version, and of one alias; most starts name neither.
    *(
        Index(
            f"execution_records_{name}",
            f"{name}_arn",
            "status",
            text("start_date DESC"),
            text("execution_id DESC"),
            postgresql_where=text(f"{name}_arn IS NOT NULL"),
        )
        for name in ("version", "alias")
    ),
    # Retention finds what closed longest ago; grows at its right end, which is cheap.
    Index(
        "execution_records_closed",
        "stop_date",
        postgresql_where=text("stop_date IS NOT NULL"),
    ),
    # Pages of the children of one Map Run, as above; its open ones, to stop them.
    Index(
        "execution_records_map_run",
        "map_run_arn",
        "status",
        text("start_date DESC"),
        text("execution_id DESC"),
        postgresql_where=text("map_run_arn IS NOT NULL"),
    ),
    comment="One row per execution: inserted at its start, updated when it ends or is "
    "redriven.",
)

events = Table(
    "events",
    metadata,
    Column("execution_id", Uuid, nullable=False),
    Column("time", timestamp(), nullable=False),
    Column("scope", BigInteger, comment="NULL: the root scope"),
    Column("shard", Integer, nullable=False),
    Column("event_id", Integer, nullable=False),
    Column("previous_id", Integer, nullable=False),
    Column("visit", Integer, comment="id of the StateEntered event of this visit"),
    Column("data_from", Integer, comment="the earlier event that holds the same data"),
    Column("type", SmallInteger, nullable=False),
    Column("state_name", Text, comment="only on StateEntered events"),
    Column("data", Text, comment="the one payload, as JSON text"),
    Column("details", Text, comment="the other public details, as JSON text"),
    Column("memo", Text, comment="what only the fold needs, as JSON text"),
    PrimaryKeyConstraint("shard", "execution_id", "event_id"),
    comment="The log. Rows are inserted, never updated; only retention deletes them.",
)

express_runs = Table(
    "express_runs",
    metadata,
    Column("execution_id", Uuid, nullable=False),
    Column("revision_id", Uuid, nullable=False),
    Column("start_date", timestamp(), nullable=False),
    Column("shard", Integer, nullable=False),
    Column("arn", exact(), nullable=False),
    Column("state_machine_arn", exact(), nullable=False),
    Column("version_arn", Text),
    Column("alias_arn", Text),
    Column("trace_header", Text),
    Column(
        "holder",
        Text,
        comment="the engine that runs it; another takes it when that one is gone",
    ),
    Column("input", Text, nullable=False),
    Column("region", Integer),
    Column("map_run_shard", Integer),
    Column("map_run_index", Integer),
    Column("item_count", Integer),
    Column("map_run_arn", exact()),
    Column("caller", Text, comment="who started it, as JSON text"),
    PrimaryKeyConstraint("shard", "execution_id"),
    postgresql_with=CHURN,
    comment="Asynchronous Express executions that were accepted and have not ended.",
)
