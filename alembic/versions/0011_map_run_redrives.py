"""Map Runs that were redriven.

Old code runs on the new schema: it redrives no Map Run.
"""

from __future__ import annotations

from typing import LiteralString

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMN: LiteralString = """
ALTER TABLE map_runs ADD COLUMN is_redriven boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN map_runs.is_redriven IS
    'it was redriven, and has not begun to come to its children again';
COMMENT ON COLUMN map_runs.event_id IS
    'the event of its execution that has begun it: MapRunStarted, or MapRunRedriven';
COMMENT ON TABLE execution_records IS
    'One row per execution: inserted at its start, updated when it ends or is redriven.';
"""

BEFORE: LiteralString = """
ALTER TABLE map_runs DROP COLUMN is_redriven;
COMMENT ON COLUMN map_runs.event_id IS 'the MapRunStarted event of its execution';
COMMENT ON TABLE execution_records IS
    'One row per execution: inserted at its start, updated once at its end.';
"""


def upgrade() -> None:
    """Add the column."""
    op.get_bind().connection.cursor().execute(COLUMN)


def downgrade() -> None:
    """Drop it; a run that waits for its children to end goes on without them."""
    op.get_bind().connection.cursor().execute(BEFORE)
