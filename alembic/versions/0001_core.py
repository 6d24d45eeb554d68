"""The tables of the durable core, and the guard of the log.

Written as SQL, because most of what matters here (collations, storage parameters, partial
indexes, column order) has no other spelling. `storage/schema` gives the reasons.
"""

from __future__ import annotations

from typing import LiteralString

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTALLATION = """
CREATE TABLE settings (
    key text NOT NULL,
    value text NOT NULL,
    CONSTRAINT settings_pkey PRIMARY KEY (key)
);
COMMENT ON TABLE settings IS
    'Facts of the installation: shards (fixed for ever), installation, views.';

CREATE TABLE server_keys (
    key_id smallint NOT NULL,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz,
    CONSTRAINT server_keys_pkey PRIMARY KEY (key_id),
    CONSTRAINT server_keys_secret_check CHECK (octet_length(secret) >= 32)
);
COMMENT ON TABLE server_keys IS 'Keys that sign task tokens and page tokens.';

CREATE TABLE event_types (
    code smallint NOT NULL,
    name text NOT NULL,
    CONSTRAINT event_types_pkey PRIMARY KEY (code),
    CONSTRAINT event_types_name_key UNIQUE (name)
);
COMMENT ON TABLE event_types IS 'Names of the codes in events.type.';
"""

MACHINES = """
CREATE TABLE state_machine_revisions (
    revision_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    number integer NOT NULL,
    state_machine_arn text COLLATE "C" NOT NULL,
    definition text NOT NULL,
    role_arn text NOT NULL,
    logging_configuration json,
    tracing_configuration json,
    encryption_configuration json,
    CONSTRAINT state_machine_revisions_pkey PRIMARY KEY (revision_id),
    CONSTRAINT state_machine_revisions_number_key
        UNIQUE (state_machine_arn, number, revision_id)
);
COMMENT ON TABLE state_machine_revisions IS
    'What an execution runs, kept for as long as an execution refers to it.';

CREATE TABLE state_machines (
    arn text COLLATE "C" NOT NULL,
    revision_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    name text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    role_arn text NOT NULL,
    logging_configuration json,
    tracing_configuration json,
    encryption_configuration json,
    CONSTRAINT state_machines_pkey PRIMARY KEY (arn),
    CONSTRAINT state_machines_revision_id_fkey
        FOREIGN KEY (revision_id) REFERENCES state_machine_revisions (revision_id),
    CONSTRAINT state_machines_type_check CHECK (type IN ('STANDARD', 'EXPRESS')),
    CONSTRAINT state_machines_status_check CHECK (status IN ('ACTIVE', 'DELETING'))
);
COMMENT ON TABLE state_machines IS
    'The machines as they are now; their definitions are in the revisions.';

CREATE TABLE activities (
    arn text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    name text NOT NULL,
    CONSTRAINT activities_pkey PRIMARY KEY (arn)
);
COMMENT ON TABLE activities IS 'Activities that were created and not deleted.';
"""

EXECUTIONS = """
CREATE TABLE execution_records (
    execution_id uuid NOT NULL,
    revision_id uuid NOT NULL,
    start_date timestamptz NOT NULL,
    stop_date timestamptz,
    redrive_date timestamptz,
    shard integer NOT NULL,
    generation integer NOT NULL DEFAULT 1,
    last_event_id integer,
    redrive_count integer NOT NULL DEFAULT 0,
    arn text COLLATE "C" NOT NULL,
    name text NOT NULL,
    state_machine_arn text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    version_arn text,
    alias_arn text,
    map_run_arn text COLLATE "C",
    trace_header text,
    CONSTRAINT execution_records_pkey PRIMARY KEY (shard, execution_id),
    CONSTRAINT execution_records_arn_generation_shard_key
        UNIQUE (arn, generation, shard),
    CONSTRAINT execution_records_stop_date_check
        CHECK ((status = 'RUNNING') = (stop_date IS NULL)),
    CONSTRAINT execution_records_generation_check CHECK (generation >= 1)
);
CREATE INDEX execution_records_listing ON execution_records
    (state_machine_arn, status, start_date DESC, execution_id DESC);
CREATE INDEX execution_records_closed ON execution_records (stop_date)
    WHERE stop_date IS NOT NULL;
COMMENT ON TABLE execution_records IS
    'One row per execution: inserted at its start, updated once at its end.';
"""

EVENTS = """
CREATE TABLE events (
    execution_id uuid NOT NULL,
    "time" timestamptz NOT NULL,
    scope bigint,
    shard integer NOT NULL,
    event_id integer NOT NULL,
    previous_id integer NOT NULL,
    visit integer,
    data_from integer,
    type smallint NOT NULL,
    state_name text,
    data text,
    details text,
    memo text,
    CONSTRAINT events_pkey PRIMARY KEY (shard, execution_id, event_id)
);
COMMENT ON TABLE events IS
    'The log. Rows are inserted, never updated; only retention deletes them.';
COMMENT ON COLUMN events.scope IS 'NULL: the root scope';
COMMENT ON COLUMN events.visit IS 'id of the StateEntered event of this visit';
COMMENT ON COLUMN events.data_from IS 'the earlier event that holds the same data';
COMMENT ON COLUMN events.state_name IS 'only on StateEntered events';
COMMENT ON COLUMN events.data IS 'the one payload, as JSON text';
COMMENT ON COLUMN events.details IS 'the other public details, as JSON text';
COMMENT ON COLUMN events.memo IS 'what only the fold needs, as JSON text';
"""

# A trigger per statement: an insert, the only thing the engine does here, never meets it.
# Where the retention role could not be made, or not be granted, the owner of the log may
# delete after saying so; the guard then protects against mistakes, not against intent.
GUARD = """
CREATE FUNCTION stepwell_guard_events() RETURNS trigger
LANGUAGE plpgsql AS $guard$
DECLARE
    keeper name := (SELECT rolname FROM pg_roles
                    WHERE oid = (SELECT relowner FROM pg_class WHERE oid = TG_RELID));
    retention oid := (SELECT oid FROM pg_roles WHERE rolname = 'stepwell_retention');
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF current_user = 'stepwell_retention' THEN
            RETURN NULL;
        END IF;
        IF current_setting('stepwell.retention', true) = 'on'
            AND pg_has_role(current_user, keeper, 'MEMBER')
            AND (retention IS NULL OR NOT pg_has_role(session_user, retention, 'MEMBER'))
        THEN
            RETURN NULL;
        END IF;
    END IF;
    RAISE EXCEPTION 'the log of events is append-only: % is refused for role %',
        TG_OP, current_user
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'Only the role stepwell_retention deletes events, '
                     'and only of executions that closed long ago.';
END
$guard$;
CREATE TRIGGER events_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION stepwell_guard_events();
"""

QUEUES = """
CREATE TABLE timers (
    execution_id uuid NOT NULL,
    due timestamptz NOT NULL,
    shard integer NOT NULL,
    event_id integer NOT NULL,
    kind smallint NOT NULL,
    CONSTRAINT timers_pkey PRIMARY KEY (shard, execution_id, event_id, kind),
    CONSTRAINT timers_kind_check CHECK (kind BETWEEN 1 AND 5)
) WITH (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX timers_due ON timers (shard, due);
COMMENT ON TABLE timers IS 'When an open execution must be woken.';
COMMENT ON COLUMN timers.kind IS
    '1 wait, 2 retry, 3 task timeout, 4 heartbeat, 5 execution timeout';

CREATE TABLE tasks (
    execution_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    shard integer NOT NULL,
    event_id integer NOT NULL,
    function text,
    resource text,
    worker text,
    CONSTRAINT tasks_pkey PRIMARY KEY (shard, execution_id, event_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX tasks_worker ON tasks (worker) WHERE worker IS NOT NULL;
COMMENT ON TABLE tasks IS 'Attempts that were scheduled and are not closed.';
COMMENT ON COLUMN tasks.event_id IS 'the scheduled event';
COMMENT ON COLUMN tasks.function IS 'NULL: no worker serves it, somebody calls back';
COMMENT ON COLUMN tasks.worker IS 'the worker session it was assigned to';

CREATE TABLE inbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    execution_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    consumed_at timestamptz,
    shard integer NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    verdict text,
    CONSTRAINT inbox_pkey PRIMARY KEY (shard, id)
) WITH (
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE inbox IS
    'Stimuli that wait for the engine that holds their shard, and its verdicts.';

CREATE TABLE quarantine (
    execution_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    shard integer NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    CONSTRAINT quarantine_pkey PRIMARY KEY (shard, execution_id)
);
COMMENT ON TABLE quarantine IS
    'Executions that were set aside because they could not be advanced.';
"""

PROCESSES = """
CREATE TABLE leases (
    epoch bigint NOT NULL DEFAULT 1,
    expires_at timestamptz NOT NULL DEFAULT 'epoch'::timestamptz,
    shard integer NOT NULL,
    pid integer,
    holder text,
    CONSTRAINT leases_pkey PRIMARY KEY (shard),
    CONSTRAINT leases_shard_epoch_key UNIQUE (shard, epoch),
    CONSTRAINT leases_epoch_check CHECK (epoch >= 1)
) WITH (
    fillfactor = 30,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE leases IS
    'Which engine owns a shard; one row per shard, inserted by migrate.';

CREATE TABLE engines (
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    pid integer NOT NULL,
    id text NOT NULL,
    host text NOT NULL,
    capabilities json NOT NULL,
    CONSTRAINT engines_pkey PRIMARY KEY (id)
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE engines IS 'Engine processes that live.';

CREATE TABLE worker_sessions (
    seen_at timestamptz NOT NULL,
    slots integer NOT NULL,
    session text NOT NULL,
    process text NOT NULL,
    name text NOT NULL,
    functions text NOT NULL,
    CONSTRAINT worker_sessions_pkey PRIMARY KEY (session)
) WITH (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
COMMENT ON TABLE worker_sessions IS
    'Workers that poll, and which functions they serve.';
COMMENT ON COLUMN worker_sessions.process IS 'the engine that holds its poll';
COMMENT ON COLUMN worker_sessions.functions IS 'names, as a JSON array';
"""

GROUPS = (INSTALLATION, MACHINES, EXECUTIONS, EVENTS, GUARD, QUEUES, PROCESSES)

# `migrate` makes these after the revisions, from storage/views.
VIEWS = """
DROP VIEW IF EXISTS
    approvals_pending, open_waits, task_attempts, execution_history, executions;
DROP FUNCTION IF EXISTS stepwell_masked, stepwell_json;
"""

TABLES = (
    "worker_sessions",
    "engines",
    "leases",
    "quarantine",
    "inbox",
    "tasks",
    "timers",
    "events",
    "execution_records",
    "activities",
    "state_machines",
    "state_machine_revisions",
    "event_types",
    "server_keys",
    "settings",
)


def upgrade() -> None:
    """Create every table of the core and the guard of the log."""
    for group in GROUPS:
        _execute(group)


def downgrade() -> None:
    """Drop everything; the histories are gone then."""
    _execute(VIEWS)
    for table in TABLES:
        op.drop_table(table)
    _execute("DROP FUNCTION stepwell_guard_events()")


def _execute(statements: LiteralString) -> None:
    """Run several statements at once, past the library's own parameter marks."""
    op.get_bind().connection.cursor().execute(statements)
