"""State machines with their revisions, versions and aliases; activities; tags."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from storage.schema.base import exact, metadata, timestamp

state_machine_revisions = Table(
    "state_machine_revisions",
    metadata,
    Column("revision_id", Uuid, primary_key=True),
    Column("created_at", timestamp(), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state_machine_arn", exact(), nullable=False),
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
    Column("arn", exact(), primary_key=True),
    Column(
        "revision_id",
        Uuid,
        ForeignKey("state_machine_revisions.revision_id"),
        nullable=False,
    ),
    Column("created_at", timestamp(), nullable=False),
    Column("updated_at", timestamp(), nullable=False),
    Column("deleted_at", timestamp()),
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
    Column("created_at", timestamp(), nullable=False),
    Column("number", Integer, nullable=False),
    Column(
        "state_machine_arn",
        exact(),
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
    Column("arn", exact(), primary_key=True),
    Column("created_at", timestamp(), nullable=False),
    Column("updated_at", timestamp(), nullable=False),
    Column(
        "state_machine_arn",
        exact(),
        ForeignKey("state_machines.arn", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("name", exact(), nullable=False),
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
    Column("resource_arn", exact(), nullable=False),
    Column("key", exact(), nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("resource_arn", "key"),
    comment="Tags of machines and activities.",
)

activities = Table(
    "activities",
    metadata,
    Column("arn", exact(), primary_key=True),
    Column("created_at", timestamp(), nullable=False),
    Column("name", Text, nullable=False),
    Column("encryption_configuration", JSON),
    comment="Activities that were created and not deleted.",
)
