"""Who asked: of a stimulus on its way to another engine, of an Express execution that runs.

Old code runs on the new schema: it names nobody, and reads the stimulus without its caller.
"""

from __future__ import annotations

from typing import LiteralString

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS: LiteralString = """
ALTER TABLE inbox ADD COLUMN caller text;
COMMENT ON COLUMN inbox.caller IS 'who asked, as JSON text; NULL: nobody is known';
ALTER TABLE express_runs ADD COLUMN caller text;
COMMENT ON COLUMN express_runs.caller IS 'who started it, as JSON text';
"""

# No view can be replaced by one with fewer columns: whoever migrates next makes them anew.
GONE: LiteralString = """
DROP VIEW IF EXISTS task_attempts, execution_history, executions;
DROP FUNCTION IF EXISTS stepwell_caller;
DELETE FROM settings WHERE key = 'views';
ALTER TABLE express_runs DROP COLUMN caller;
ALTER TABLE inbox DROP COLUMN caller;
"""


def upgrade() -> None:
    """Add the columns."""
    op.get_bind().connection.cursor().execute(COLUMNS)


def downgrade() -> None:
    """Drop them, and the views with what they were granted: `migrate` makes them again."""
    op.get_bind().connection.cursor().execute(GONE)
