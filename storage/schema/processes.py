"""Who is at work: engines with their leases, and the sessions of workers."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from storage.schema.base import CHURN, metadata, timestamp

leases = Table(
    "leases",
    metadata,
    Column("epoch", BigInteger, nullable=False, server_default=text("1")),
    Column(
        "expires_at",
        timestamp(),
        nullable=False,
        server_default=text("'epoch'::timestamptz"),
    ),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("pid", Integer),
    Column("holder", Text),
    Column(
        "taken_at",
        timestamp(),
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
    Column("started_at", timestamp(), nullable=False),
    Column("expires_at", timestamp(), nullable=False),
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
    Column("seen_at", timestamp(), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("session", Text, primary_key=True),
    Column("process", Text, nullable=False, comment="the engine that holds its poll"),
    Column("name", Text, nullable=False),
    Column("functions", Text, nullable=False, comment="names, as a JSON array"),
    postgresql_with={"fillfactor": "50", **CHURN},
    comment="Workers that poll, and which functions they serve.",
)
