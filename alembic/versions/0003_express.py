"""Express executions that were accepted and have not ended.

Old code runs on the new schema: it does not know the table.
"""

from __future__ import annotations

from typing import LiteralString

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

RUNS: LiteralString = """
CREATE TABLE express_runs (
    execution_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    start_date timestamptz NOT NULL,
    shard integer NOT NULL,
    arn text COLLATE "C" NOT NULL,
    state_machine_arn text COLLATE "C" NOT NULL,
    version_arn text,
    alias_arn text,
    trace_header text,
    holder text,
    input text NOT NULL,
    CONSTRAINT express_runs_pkey PRIMARY KEY (shard, execution_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE express_runs IS
    'Asynchronous Express executions that were accepted and have not ended.';
COMMENT ON COLUMN express_runs.holder IS
    'the engine that runs it; another takes it when that one is gone';
"""


def upgrade() -> None:
    """Create the table."""
    op.get_bind().connection.cursor().execute(RUNS)


def downgrade() -> None:
    """Drop it; executions that have not ended are gone then."""
    op.drop_table("express_runs")
