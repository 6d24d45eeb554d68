"""Map Runs, the ends of their children, and what an execution knows of its run.

Old code runs on the new schema: it starts no Map Run, and leaves the new columns empty.
"""

from __future__ import annotations

from typing import LiteralString

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

RUNS: LiteralString = """
CREATE TABLE map_runs (
    map_run_id uuid NOT NULL,
    execution_id uuid NOT NULL,
    start_date timestamptz NOT NULL,
    stop_date timestamptz,
    redrive_date timestamptz,
    tolerated_percentage double precision NOT NULL,
    tolerated_count bigint NOT NULL,
    output_bytes bigint NOT NULL DEFAULT 0,
    shard integer NOT NULL,
    event_id integer NOT NULL,
    max_concurrency integer NOT NULL,
    items_total integer NOT NULL,
    items_started integer NOT NULL DEFAULT 0,
    items_succeeded integer NOT NULL DEFAULT 0,
    items_failed integer NOT NULL DEFAULT 0,
    items_timed_out integer NOT NULL DEFAULT 0,
    items_aborted integer NOT NULL DEFAULT 0,
    children_started integer NOT NULL DEFAULT 0,
    children_succeeded integer NOT NULL DEFAULT 0,
    children_failed integer NOT NULL DEFAULT 0,
    children_timed_out integer NOT NULL DEFAULT 0,
    children_aborted integer NOT NULL DEFAULT 0,
    redrive_count integer NOT NULL DEFAULT 0,
    is_due boolean NOT NULL DEFAULT true,
    is_ending boolean NOT NULL DEFAULT false,
    is_settled boolean NOT NULL DEFAULT false,
    arn text COLLATE "C" NOT NULL,
    execution_type text NOT NULL,
    status text NOT NULL DEFAULT 'RUNNING',
    CONSTRAINT map_runs_pkey PRIMARY KEY (shard, map_run_id),
    CONSTRAINT map_runs_arn_shard_key UNIQUE (arn, shard),
    CONSTRAINT map_runs_status_check
        CHECK (status IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED')),
    CONSTRAINT map_runs_stop_date_check
        CHECK ((status = 'RUNNING') = (stop_date IS NULL))
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX map_runs_execution ON map_runs (shard, execution_id, start_date);
CREATE INDEX map_runs_unsettled ON map_runs (shard) WHERE NOT is_settled;
COMMENT ON TABLE map_runs IS
    'Runs of distributed Maps: where each stands, and what bounds it.';
COMMENT ON COLUMN map_runs.event_id IS 'the MapRunStarted event of its execution';
COMMENT ON COLUMN map_runs.is_due IS
    'there may be something to do besides taking the ends of children';
COMMENT ON COLUMN map_runs.is_ending IS 'its end is on the way to its execution';
COMMENT ON COLUMN map_runs.is_settled IS 'it has ended, and so have all its children';
"""

ENDS: LiteralString = """
CREATE TABLE map_run_ends (
    map_run_id uuid NOT NULL,
    shard integer NOT NULL,
    child_index integer NOT NULL,
    items integer NOT NULL,
    output_bytes integer NOT NULL,
    status text NOT NULL,
    CONSTRAINT map_run_ends_pkey PRIMARY KEY (shard, map_run_id, child_index)
) WITH (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE map_run_ends IS
    'Children of Map Runs that have ended, until the run has counted them.';
"""

COLUMNS: LiteralString = """
ALTER TABLE execution_records ADD COLUMN item_count integer;
CREATE INDEX execution_records_map_run
    ON execution_records (map_run_arn, status, start_date DESC, execution_id DESC)
    WHERE map_run_arn IS NOT NULL;
ALTER TABLE express_runs
    ADD COLUMN region integer,
    ADD COLUMN map_run_shard integer,
    ADD COLUMN map_run_index integer,
    ADD COLUMN item_count integer,
    ADD COLUMN map_run_arn text COLLATE "C";
"""

GONE: LiteralString = """
ALTER TABLE express_runs
    DROP COLUMN region,
    DROP COLUMN map_run_shard,
    DROP COLUMN map_run_index,
    DROP COLUMN item_count,
    DROP COLUMN map_run_arn;
DROP INDEX execution_records_map_run;
ALTER TABLE execution_records DROP COLUMN item_count;
"""


# `migrate` makes the views after the revisions, unless it finds that it has made them.
VIEW: LiteralString = """
DROP VIEW IF EXISTS map_run_progress;
DELETE FROM settings WHERE key = 'views';
"""


def upgrade() -> None:
    """Create the tables and add the columns."""
    cursor = op.get_bind().connection.cursor()
    for statement in (RUNS, ENDS, COLUMNS):
        cursor.execute(statement)


def downgrade() -> None:
    """Take all of it away; runs that have not ended never will."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute(VIEW)
    cursor.execute(GONE)
    op.drop_table("map_run_ends")
    op.drop_table("map_runs")
