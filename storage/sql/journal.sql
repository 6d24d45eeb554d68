-- name: fence
-- Hold the leases of a batch at the expected epochs until the transaction ends. Divides by
-- zero (22012) when one is missing, which aborts the whole pipeline before anything is
-- written. FOR KEY SHARE conflicts with the bump of an epoch only, not with the renewal.
SELECT 1 / (count(*) = %(expected)s)::integer
FROM (
    SELECT leases.shard
    FROM unnest(%(shards)s::integer[], %(epochs)s::bigint[]) AS held (shard, epoch)
    JOIN leases ON leases.shard = held.shard AND leases.epoch = held.epoch
    ORDER BY leases.shard
    FOR KEY SHARE OF leases
) AS fenced;

-- name: append_events
-- The log. One row per event; a batch may span shards. Arrays of one length, unnested side
-- by side: in FROM they would be stored away first, which costs a fifth of the insert.
INSERT INTO events (
    execution_id, time, scope, shard, event_id, previous_id, visit, data_from,
    type, state_name, data, details, memo
)
SELECT
    unnest(%(execution_ids)s::uuid[]), unnest(%(times)s::timestamptz[]),
    unnest(%(scopes)s::bigint[]), unnest(%(shards)s::integer[]),
    unnest(%(event_ids)s::integer[]), unnest(%(previous_ids)s::integer[]),
    unnest(%(visits)s::integer[]), unnest(%(data_froms)s::integer[]),
    unnest(%(types)s::smallint[]), unnest(%(state_names)s::text[]),
    unnest(%(datas)s::text[]), unnest(%(details)s::text[]), unnest(%(memos)s::text[]);

-- name: reopen_executions
-- Executions that were redriven are open again. Fails (21000: a subquery of two rows) where
-- retention has deleted one meanwhile: nothing may be written for it.
WITH reopened AS (
    UPDATE execution_records
    SET status = 'RUNNING',
        stop_date = NULL,
        last_event_id = NULL,
        redrive_count = redriven.redrive_count,
        redrive_date = redriven.redrive_date
    FROM unnest(
        %(shards)s::integer[], %(execution_ids)s::uuid[], %(redrive_counts)s::integer[],
        %(redrive_dates)s::timestamptz[]
    ) AS redriven (shard, execution_id, redrive_count, redrive_date)
    WHERE execution_records.shard = redriven.shard
      AND execution_records.execution_id = redriven.execution_id
    RETURNING execution_records.execution_id
)
SELECT (
    SELECT 1
    FROM generate_series(
        1, CASE WHEN (SELECT count(*) FROM reopened) = %(expected)s THEN 1 ELSE 2 END
    )
);

-- name: close_executions
-- The update of an execution's row at its end.
UPDATE execution_records
SET status = closing.status,
    stop_date = closing.stop_date,
    last_event_id = closing.last_event_id
FROM unnest(
    %(shards)s::integer[], %(execution_ids)s::uuid[], %(statuses)s::text[],
    %(stop_dates)s::timestamptz[], %(last_event_ids)s::integer[]
) AS closing (shard, execution_id, status, stop_date, last_event_id)
WHERE execution_records.shard = closing.shard
  AND execution_records.execution_id = closing.execution_id;

-- name: open_timers
-- A heartbeat timer that is set anew meets its own row.
INSERT INTO timers (execution_id, due, shard, event_id, kind)
SELECT *
FROM unnest(
    %(execution_ids)s::uuid[], %(dues)s::timestamptz[], %(shards)s::integer[],
    %(event_ids)s::integer[], %(kinds)s::smallint[]
)
ON CONFLICT (shard, execution_id, event_id, kind) DO UPDATE SET due = EXCLUDED.due;

-- name: close_timers
-- Timers that fired or are no longer wanted.
DELETE FROM timers
USING unnest(
    %(execution_ids)s::uuid[], %(shards)s::integer[], %(event_ids)s::integer[],
    %(kinds)s::smallint[]
) AS closed (execution_id, shard, event_id, kind)
WHERE timers.shard = closed.shard
  AND timers.execution_id = closed.execution_id
  AND timers.event_id = closed.event_id
  AND timers.kind = closed.kind;

-- name: open_tasks
-- Attempts that were scheduled; `worker` where one was assigned in the same decision.
INSERT INTO tasks (execution_id, created_at, shard, event_id, function, resource, worker)
SELECT *
FROM unnest(
    %(execution_ids)s::uuid[], %(created_ats)s::timestamptz[], %(shards)s::integer[],
    %(event_ids)s::integer[], %(functions)s::text[], %(resources)s::text[],
    %(workers)s::text[]
);

-- name: change_tasks
-- Attempts that a worker took, or that now wait for a callback only.
UPDATE tasks
SET worker = changed.worker,
    function = changed.function
FROM unnest(
    %(execution_ids)s::uuid[], %(shards)s::integer[], %(event_ids)s::integer[],
    %(functions)s::text[], %(workers)s::text[]
) AS changed (execution_id, shard, event_id, function, worker)
WHERE tasks.shard = changed.shard
  AND tasks.execution_id = changed.execution_id
  AND tasks.event_id = changed.event_id;

-- name: close_tasks
-- Attempts that have their outcome.
DELETE FROM tasks
USING unnest(
    %(execution_ids)s::uuid[], %(shards)s::integer[], %(event_ids)s::integer[]
) AS closed (execution_id, shard, event_id)
WHERE tasks.shard = closed.shard
  AND tasks.execution_id = closed.execution_id
  AND tasks.event_id = closed.event_id;

-- name: open_map_runs
-- Map Runs that have begun. The row is what makes sure that their children are started.
INSERT INTO map_runs (
    map_run_id, execution_id, start_date, tolerated_percentage, tolerated_count, shard,
    event_id, max_concurrency, items_total, arn, execution_type
)
SELECT *
FROM unnest(
    %(map_run_ids)s::uuid[], %(execution_ids)s::uuid[], %(start_dates)s::timestamptz[],
    %(percentages)s::float8[], %(counts)s::bigint[], %(shards)s::integer[],
    %(event_ids)s::integer[], %(concurrencies)s::integer[], %(totals)s::integer[],
    %(arns)s::text[], %(execution_types)s::text[]
);

-- name: redrive_map_runs
-- Map Runs that go on after a redrive; which children do is due next.
UPDATE map_runs
SET status = 'RUNNING',
    stop_date = NULL,
    event_id = redriven.event_id,
    redrive_count = redriven.redrive_count,
    redrive_date = redriven.redrive_date,
    is_due = true,
    is_ending = false,
    is_settled = false,
    is_redriven = true
FROM unnest(
    %(shards)s::integer[], %(map_run_ids)s::uuid[], %(event_ids)s::integer[],
    %(redrive_counts)s::integer[], %(redrive_dates)s::timestamptz[]
) AS redriven (shard, map_run_id, event_id, redrive_count, redrive_date)
WHERE map_runs.shard = redriven.shard
  AND map_runs.map_run_id = redriven.map_run_id;

-- name: close_map_runs
-- Map Runs that have ended, or whose Map is gone; what their children do is due next.
UPDATE map_runs
SET status = closed.status,
    stop_date = closed.stop_date,
    is_due = true
FROM unnest(
    %(shards)s::integer[], %(map_run_ids)s::uuid[], %(statuses)s::text[],
    %(stop_dates)s::timestamptz[]
) AS closed (shard, map_run_id, status, stop_date)
WHERE map_runs.shard = closed.shard
  AND map_runs.map_run_id = closed.map_run_id;

-- name: end_children
-- Children of Map Runs that have ended, told to their runs' shards in the same transaction.
INSERT INTO map_run_ends (map_run_id, shard, child_index, items, output_bytes, status)
SELECT *
FROM unnest(
    %(map_run_ids)s::uuid[], %(shards)s::integer[], %(indexes)s::integer[],
    %(items)s::integer[], %(output_bytes)s::integer[], %(statuses)s::text[]
)
ON CONFLICT DO NOTHING;

-- name: consume_inbox
-- Stimuli that nobody waits for are deleted with the events they caused.
DELETE FROM inbox
USING unnest(%(shards)s::integer[], %(ids)s::bigint[]) AS consumed (shard, id)
WHERE inbox.shard = consumed.shard
  AND inbox.id = consumed.id;

-- name: answer_inbox
-- Stimuli with a sender keep their verdict until they are swept; the first verdict stands.
UPDATE inbox
SET verdict = answered.verdict,
    consumed_at = %(now)s
FROM unnest(%(shards)s::integer[], %(ids)s::bigint[], %(verdicts)s::text[])
    AS answered (shard, id, verdict)
WHERE inbox.shard = answered.shard
  AND inbox.id = answered.id
  AND inbox.consumed_at IS NULL;

-- name: continue_executions
-- A turn that was cut is gone on with by an inbox row of its own.
INSERT INTO inbox (execution_id, created_at, shard, kind, body)
SELECT cut.execution_id, %(now)s, cut.shard, 'continue', '{}'
FROM unnest(%(execution_ids)s::uuid[], %(shards)s::integer[]) AS cut (execution_id, shard)
RETURNING id, execution_id::text;

-- name: load_events
-- Whole logs of some executions, each in order; one probe of the key an execution.
SELECT events.execution_id::text, event_id, previous_id, type, time, scope, visit,
       data_from, state_name, data, details, memo
FROM unnest(%(shards)s::integer[], %(execution_ids)s::uuid[]) AS wanted (shard, execution_id)
JOIN events
    ON events.shard = wanted.shard
   AND events.execution_id = wanted.execution_id
ORDER BY events.execution_id, event_id;

-- name: first_event_exists
-- Whether a commit of unknown outcome has landed, told by one of its events.
SELECT EXISTS (
    SELECT FROM events
    WHERE shard = %(shard)s
      AND execution_id = %(execution_id)s::uuid
      AND event_id = %(event_id)s
);

-- name: load_records
-- What an engine must know of executions before it folds them.
SELECT record.execution_id::text, record.revision_id::text, record.status,
       quarantine.execution_id IS NOT NULL
FROM unnest(%(shards)s::integer[], %(execution_ids)s::uuid[]) AS wanted (shard, execution_id)
JOIN execution_records AS record
    ON record.shard = wanted.shard
   AND record.execution_id = wanted.execution_id
LEFT JOIN quarantine
    ON quarantine.shard = wanted.shard
   AND quarantine.execution_id = wanted.execution_id;
