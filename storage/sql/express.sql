-- Express executions: accepted, ended, taken from engines that are gone; and their logs.

-- name: accept
-- Executions that will run until they have ended, whatever happens to this process.
INSERT INTO express_runs (
    execution_id, revision_id, start_date, shard, arn, state_machine_arn, version_arn,
    alias_arn, trace_header, holder, input, caller
)
SELECT execution_id, revision_id, start_date, shard, arn, state_machine_arn, version_arn,
       alias_arn, trace_header, %(holder)s, input, caller
FROM unnest(
    %(execution_ids)s::uuid[], %(revision_ids)s::uuid[], %(start_dates)s::timestamptz[],
    %(shards)s::integer[], %(arns)s::text[], %(machine_arns)s::text[],
    %(version_arns)s::text[], %(alias_arns)s::text[], %(trace_headers)s::text[],
    %(inputs)s::text[], %(callers)s::text[]
) AS accepted (
    execution_id, revision_id, start_date, shard, arn, state_machine_arn, version_arn,
    alias_arn, trace_header, input, caller
)
ON CONFLICT DO NOTHING;

-- name: forget
-- Executions that have ended and leave no log.
DELETE FROM express_runs
USING unnest(%(shards)s::integer[], %(execution_ids)s::uuid[])
    AS ended (shard, execution_id)
WHERE express_runs.shard = ended.shard
  AND express_runs.execution_id = ended.execution_id;

-- name: record
-- Executions that have ended; returns those of which the log is to be written. One that was
-- accepted is recorded by whoever deletes its row: where two engines have run it, only one
-- of them.
WITH ended AS (
    SELECT *
    FROM unnest(
        %(execution_ids)s::uuid[], %(revision_ids)s::uuid[],
        %(start_dates)s::timestamptz[], %(stop_dates)s::timestamptz[],
        %(shards)s::integer[], %(last_event_ids)s::integer[],
        %(accepted)s::smallint[], %(arns)s::text[], %(names)s::text[],
        %(machine_arns)s::text[], %(statuses)s::text[], %(version_arns)s::text[],
        %(alias_arns)s::text[], %(trace_headers)s::text[]
    ) AS ended (
        execution_id, revision_id, start_date, stop_date, shard, last_event_id,
        accepted, arn, name, state_machine_arn, status, version_arn, alias_arn,
        trace_header
    )
), forgotten AS (
    DELETE FROM express_runs
    USING ended
    WHERE express_runs.shard = ended.shard
      AND express_runs.execution_id = ended.execution_id
    RETURNING express_runs.execution_id
)
INSERT INTO execution_records (
    execution_id, revision_id, start_date, stop_date, shard, last_event_id, arn, name,
    state_machine_arn, status, version_arn, alias_arn, trace_header
)
SELECT execution_id, revision_id, start_date, stop_date, shard, last_event_id, arn,
       name, state_machine_arn, status, version_arn, alias_arn, trace_header
FROM ended
LEFT JOIN forgotten USING (execution_id)
WHERE ended.accepted = 0
   OR forgotten.execution_id IS NOT NULL
ON CONFLICT DO NOTHING
RETURNING execution_id::text;

-- name: copy_events
-- The logs themselves.
COPY events (
    execution_id, shard, time, data, event_id, previous_id, type, scope, visit, data_from,
    state_name, details, memo
)
FROM STDIN (FORMAT BINARY);

-- name: take_over
-- Executions whose engine is gone, or has let them go; they run again from the start.
UPDATE express_runs
SET holder = %(holder)s
FROM (
    SELECT shard, execution_id
    FROM express_runs
    WHERE holder IS DISTINCT FROM %(holder)s
      AND NOT EXISTS (
          SELECT FROM engines
          WHERE engines.id = express_runs.holder
            AND engines.expires_at > clock_timestamp()
      )
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
) AS left_behind
WHERE express_runs.shard = left_behind.shard
  AND express_runs.execution_id = left_behind.execution_id
RETURNING express_runs.shard, express_runs.execution_id::text,
    express_runs.revision_id::text, arn, state_machine_arn, version_arn, alias_arn,
    trace_header, input, caller;

-- name: release
-- Let go what this engine has not ended.
UPDATE express_runs
SET holder = NULL
WHERE holder = %(holder)s;
