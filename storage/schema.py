"""Every table of Stepwell, described once; migrations must lead exactly here.

`shard` comes first in every key of a hot table, so that the same schema can be spread over
several machines by that column. Hot tables (events, timers, tasks, inbox) have no foreign
keys and as few indexes as their statements need: each one is paid for at every step.

Columns stand in the order that wastes no padding: 16 and 8 byte values, then 4, then 2, then
text. ARNs collate "C": they are compared byte by byte, whatever the language of the database.

User text (payloads, causes, definitions) is `text`: `jsonb` refuses characters that JSON
allows and rewrites numbers, and even `json` fails on them when a query looks inside.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

metadata: Final = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    }
)

# Rows that live for seconds: vacuum them early and without pauses, or every scan of the
# queue walks over the dead.
CHURN: Final = {
    "autovacuum_vacuum_scale_factor": "0.01",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_cost_delay": "0",
}


def _exact() -> Text:
    return Text(collation="C")


def _timestamp() -> DateTime:
    return DateTime(timezone=True)


# The installation

settings = Table(
    "settings",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="Facts of the installation: shards (fixed for ever), installation, views.",
)

server_keys = Table(
    "server_keys",
    metadata,
    Column("key_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("secret", LargeBinary),
    Column("created_at", _timestamp(), nullable=False),
    Column("retired_at", _timestamp()),
    Column(
        "sealed",
        LargeBinary,
        comment="or encrypted under a master key that is not in the database",
    ),
    CheckConstraint("octet_length(secret) >= 32", name="secret"),
    CheckConstraint("num_nonnulls(secret, sealed) = 1", name="form"),
    comment="Keys that sign task tokens and page tokens.",
)

access_keys = Table(
    "access_keys",
    metadata,
    Column("created_at", _timestamp(), nullable=False),
    Column("disabled_at", _timestamp()),
    Column("key_id", _exact(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("preset", Text, comment="the policy of that name, as the server knows it"),
    Column("policy", Text, comment="or one of its own, as JSON text"),
    Column(
        "secret",
        LargeBinary,
        nullable=False,
        comment="encrypted under a master key that is not in the database",
    ),
    CheckConstraint("num_nonnulls(preset, policy) = 1", name="permissions"),
    comment="Who may use the API: each key with its policy; never deleted.",
)

event_types = Table(
    "event_types",
    metadata,
    Column("code", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    comment="Names of the codes in events.type.",
)

# State machines

state_machine_revisions = Table(
    "state_machine_revisions",
    metadata,
    Column("revision_id", Uuid, primary_key=True),
    Column("created_at", _timestamp(), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state_machine_arn", _exact(), nullable=False),
    Column("definition", Text, nullable=False),
    Column("role_arn", Text, nullable=False),
    Column("logging_configuration", JSON),
    Column("tracing_configuration", JSON),
    Column("encryption_configuration", JSON),
    # Also finds the revisions of one machine. With revision_id, because a machine of the
    # same ARN may be created again after its deletion and counts from 1 again.
    UniqueConstraint(
        "state_machine_arn",
        "number",
        "revision_id",
        name="state_machine_revisions_number_key",
    ),
    comment="What an execution runs, kept for as long as an execution refers to it.",
)

state_machines = Table(
    "state_machines",
    metadata,
    Column("arn", _exact(), primary_key=True),
    Column(
        "revision_id",
        Uuid,
        ForeignKey("state_machine_revisions.revision_id"),
        nullable=False,
    ),
    Column("created_at", _timestamp(), nullable=False),
    Column("updated_at", _timestamp(), nullable=False),
    Column("deleted_at", _timestamp()),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("role_arn", Text, nullable=False),
    Column("logging_configuration", JSON),
    Column("tracing_configuration", JSON),
    Column("encryption_configuration", JSON),
    Column(
        "last_version",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="the highest version number ever given; numbers are not used again",
    ),
    CheckConstraint("type IN ('STANDARD', 'EXPRESS')", name="type"),
    CheckConstraint("status IN ('ACTIVE', 'DELETING')", name="status"),
    # Looked at every other second.
    Index(
        "state_machines_deleting",
        "arn",
        postgresql_where=text("status = 'DELETING'"),
    ),
    comment="The machines as they are now; their definitions are in the revisions.",
)

state_machine_versions = Table(
    "state_machine_versions",
    metadata,
    Column(
        "revision_id",
        Uuid,
        ForeignKey("state_machine_revisions.revision_id"),
        nullable=False,
    ),
    Column("created_at", _timestamp(), nullable=False),
    Column("number", Integer, nullable=False),
    Column(
        "state_machine_arn",
        _exact(),
        ForeignKey("state_machines.arn", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("description", Text),
    PrimaryKeyConstraint("state_machine_arn", "number"),
    comment="Revisions that were published under a number.",
)

state_machine_aliases = Table(
    "state_machine_aliases",
    metadata,
    Column("arn", _exact(), primary_key=True),
    Column("created_at", _timestamp(), nullable=False),
    Column("updated_at", _timestamp(), nullable=False),
    Column(
        "state_machine_arn",
        _exact(),
        ForeignKey("state_machines.arn", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("name", _exact(), nullable=False),
    Column("description", Text),
    Column(
        "routing",
        JSON,
        nullable=False,
        comment="an object: the number of a version to its weight in percent",
    ),
    # Pages of one machine's aliases, by name.
    Index("state_machine_aliases_listing", "state_machine_arn", "name"),
    comment="Names that lead to one or two versions, by weight.",
)

resource_tags = Table(
    "resource_tags",
    metadata,
    Column("resource_arn", _exact(), nullable=False),
    Column("key", _exact(), nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("resource_arn", "key"),
    comment="Tags of machines and activities.",
)

activities = Table(
    "activities",
    metadata,
    Column("arn", _exact(), primary_key=True),
    Column("created_at", _timestamp(), nullable=False),
    Column("name", Text, nullable=False),
    Column("encryption_configuration", JSON),
    comment="Activities that were created and not deleted.",
)

# Executions

execution_records = Table(
    "execution_records",
    metadata,
    Column("execution_id", Uuid, nullable=False),
    Column("revision_id", Uuid, nullable=False),
    Column("start_date", _timestamp(), nullable=False),
    Column("stop_date", _timestamp()),
    Column("redrive_date", _timestamp()),
    Column("shard", Integer, nullable=False),
    Column("generation", Integer, nullable=False, server_default=text("1")),
    Column("last_event_id", Integer),
    Column("redrive_count", Integer, nullable=False, server_default=text("0")),
    Column("arn", _exact(), nullable=False),
    Column("name", Text, nullable=False),
    Column("state_machine_arn", _exact(), nullable=False),
    Column("status", _exact(), nullable=False),
    Column("version_arn", Text),
    Column("alias_arn", Text),
    Column("map_run_arn", _exact()),
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
    Column("time", _timestamp(), nullable=False),
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

timers = Table(
    "timers",
    metadata,
    Column("execution_id", Uuid, nullable=False),
    Column("due", _timestamp(), nullable=False),
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
    Column("created_at", _timestamp(), nullable=False),
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
    Column("created_at", _timestamp(), nullable=False),
    Column("consumed_at", _timestamp()),
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

express_runs = Table(
    "express_runs",
    metadata,
    Column("execution_id", Uuid, nullable=False),
    Column("revision_id", Uuid, nullable=False),
    Column("start_date", _timestamp(), nullable=False),
    Column("shard", Integer, nullable=False),
    Column("arn", _exact(), nullable=False),
    Column("state_machine_arn", _exact(), nullable=False),
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
    Column("map_run_arn", _exact()),
    Column("caller", Text, comment="who started it, as JSON text"),
    PrimaryKeyConstraint("shard", "execution_id"),
    postgresql_with=CHURN,
    comment="Asynchronous Express executions that were accepted and have not ended.",
)

map_runs = Table(
    "map_runs",
    metadata,
    Column("map_run_id", Uuid, nullable=False),
    Column("execution_id", Uuid, nullable=False),
    Column("start_date", _timestamp(), nullable=False),
    Column("stop_date", _timestamp()),
    Column("redrive_date", _timestamp()),
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
    Column("arn", _exact(), nullable=False),
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

quarantine = Table(
    "quarantine",
    metadata,
    Column("execution_id", Uuid, nullable=False),
    Column("created_at", _timestamp(), nullable=False),
    Column("shard", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("shard", "execution_id"),
    comment="Executions that were set aside because they could not be advanced.",
)

# Processes

leases = Table(
    "leases",
    metadata,
    Column("epoch", BigInteger, nullable=False, server_default=text("1")),
    Column(
        "expires_at",
        _timestamp(),
        nullable=False,
        server_default=text("'epoch'::timestamptz"),
    ),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("pid", Integer),
    Column("holder", Text),
    Column(
        "taken_at",
        _timestamp(),
        nullable=False,
        server_default=text("'epoch'::timestamptz"),
        comment="when its holder took it",
    ),
    # Makes only the bump of an epoch conflict with the fence of a commit in flight
    # (FOR KEY SHARE), not the renewal that moves expires_at.
    UniqueConstraint("shard", "epoch"),
    CheckConstraint("epoch >= 1", name="epoch"),
    # A renewal rewrites a row every second: room beside it keeps the update in its page.
    postgresql_with={"fillfactor": "30", **CHURN},
    comment="Which engine owns a shard; one row per shard, inserted by migrate.",
)

engines = Table(
    "engines",
    metadata,
    Column("started_at", _timestamp(), nullable=False),
    Column("expires_at", _timestamp(), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("capabilities", JSON, nullable=False),
    postgresql_with={"fillfactor": "50", **CHURN},
    comment="Engine processes that live.",
)

worker_sessions = Table(
    "worker_sessions",
    metadata,
    Column("seen_at", _timestamp(), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("session", Text, primary_key=True),
    Column("process", Text, nullable=False, comment="the engine that holds its poll"),
    Column("name", Text, nullable=False),
    Column("functions", Text, nullable=False, comment="names, as a JSON array"),
    postgresql_with={"fillfactor": "50", **CHURN},
    comment="Workers that poll, and which functions they serve.",
)
