"""Executions are found by the version or alias that started them.

Old code runs on the new schema: it does not use the indexes. They are built beside running
engines, so each is made anew in case an earlier attempt was broken off.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0006"
branch_labels = None
depends_on = None

INDEXES = {
    "execution_records_version": """
        ON execution_records (
            version_arn, status, start_date DESC, execution_id DESC
        ) WHERE version_arn IS NOT NULL
    """,
    "execution_records_alias": """
        ON execution_records (
            alias_arn, status, start_date DESC, execution_id DESC
        ) WHERE alias_arn IS NOT NULL
    """,
    "state_machines_deleting": """
        ON state_machines (arn) WHERE status = 'DELETING'
    """,
}


def upgrade() -> None:
    """Build the indexes, without a lock that writers would wait for."""
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} {definition}")


def downgrade() -> None:
    """Drop them."""
    for name in INDEXES:
        op.drop_index(name)
