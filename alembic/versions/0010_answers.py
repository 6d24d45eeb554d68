"""Who asks for a verdict, since when a shard is held, and an index of tasks that wait.

Old code runs on the new schema: it asks without a name and takes shards without a date, so
that a call without an answer is told closed when it is made again.
"""

from __future__ import annotations

from typing import LiteralString

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS: tuple[LiteralString, ...] = (
    "ALTER TABLE inbox ADD COLUMN asker text",
    "COMMENT ON COLUMN inbox.asker IS 'the engine that waits for the verdict'",
    "ALTER TABLE leases ADD COLUMN taken_at timestamptz NOT NULL"
    " DEFAULT 'epoch'::timestamptz",
    "COMMENT ON COLUMN leases.taken_at IS 'when its holder took it'",
    "CREATE INDEX tasks_waiting ON tasks (function, created_at)"
    " WHERE worker IS NULL AND function IS NOT NULL",
)


def upgrade() -> None:
    """Add the columns and the index."""
    cursor = op.get_bind().connection.cursor()
    for statement in STATEMENTS:
        cursor.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("tasks_waiting", "tasks")
    op.drop_column("leases", "taken_at")
    op.drop_column("inbox", "asker")
