"""Versions, aliases and tags of state machines; activities with their encryption.

Old code runs on the new schema: every new column has a default or may be absent.
"""

from __future__ import annotations

from typing import LiteralString

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MACHINES = """
ALTER TABLE state_machines ADD COLUMN last_version integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN state_machines.last_version IS
    'the highest version number ever given; numbers are not used again';
"""

VERSIONS = """
CREATE TABLE state_machine_versions (
    revision_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    number integer NOT NULL,
    state_machine_arn text COLLATE "C" NOT NULL,
    description text,
    CONSTRAINT state_machine_versions_pkey PRIMARY KEY (state_machine_arn, number),
    CONSTRAINT state_machine_versions_revision_id_fkey
        FOREIGN KEY (revision_id) REFERENCES state_machine_revisions (revision_id),
    CONSTRAINT state_machine_versions_state_machine_arn_fkey
        FOREIGN KEY (state_machine_arn) REFERENCES state_machines (arn)
        ON DELETE CASCADE
);
COMMENT ON TABLE state_machine_versions IS
    'Revisions that were published under a number.';
"""

ALIASES = """
CREATE TABLE state_machine_aliases (
    arn text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    state_machine_arn text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text,
    routing json NOT NULL,
    CONSTRAINT state_machine_aliases_pkey PRIMARY KEY (arn),
    CONSTRAINT state_machine_aliases_state_machine_arn_fkey
        FOREIGN KEY (state_machine_arn) REFERENCES state_machines (arn)
        ON DELETE CASCADE
);
CREATE INDEX state_machine_aliases_listing ON state_machine_aliases
    (state_machine_arn, name);
COMMENT ON TABLE state_machine_aliases IS
    'Names that lead to one or two versions, by weight.';
COMMENT ON COLUMN state_machine_aliases.routing IS
    'an object: the number of a version to its weight in percent';
"""

TAGS = """
CREATE TABLE resource_tags (
    resource_arn text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    CONSTRAINT resource_tags_pkey PRIMARY KEY (resource_arn, key)
);
COMMENT ON TABLE resource_tags IS 'Tags of machines and activities.';
"""

ACTIVITIES = """
ALTER TABLE activities ADD COLUMN encryption_configuration json;
"""

GROUPS: tuple[LiteralString, ...] = (MACHINES, VERSIONS, ALIASES, TAGS, ACTIVITIES)
TABLES = ("resource_tags", "state_machine_aliases", "state_machine_versions")


def upgrade() -> None:
    """Create the tables and add the columns."""
    for group in GROUPS:
        _execute(group)


def downgrade() -> None:
    """Drop them; versions, aliases and tags are gone then."""
    for table in TABLES:
        op.drop_table(table)
    _execute("ALTER TABLE activities DROP COLUMN encryption_configuration")
    _execute("ALTER TABLE state_machines DROP COLUMN last_version")


def _execute(statements: LiteralString) -> None:
    """Run several statements at once, past the library's own parameter marks."""
    op.get_bind().connection.cursor().execute(statements)
