"""The installation itself: its settings, its keys, the names of its event types."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from storage.schema.base import exact, metadata, timestamp

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
    Column("created_at", timestamp(), nullable=False),
    Column("retired_at", timestamp()),
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
    Column("created_at", timestamp(), nullable=False),
    Column("disabled_at", timestamp()),
    Column("key_id", exact(), primary_key=True),
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
