-- Map Runs: as they are shown and changed, and the rounds in which they go on.

-- name: find
-- One run, for somebody who knows its ARN.
SELECT map_run_id::text, execution_id::text, start_date, stop_date, redrive_date,
       tolerated_percentage, tolerated_count, output_bytes, shard, event_id,
       max_concurrency, items_total, items_started, items_succeeded, items_failed,
       items_timed_out, items_aborted, children_started, children_succeeded,
       children_failed, children_timed_out, children_aborted, redrive_count, is_due,
       is_ending, is_settled, is_redriven, arn, execution_type, status
FROM map_runs
WHERE arn = %(arn)s;

-- name: page
-- The runs of one execution, the newest first, after the one last shown.
SELECT map_run_id::text, execution_id::text, start_date, stop_date, redrive_date,
       tolerated_percentage, tolerated_count, output_bytes, shard, event_id,
       max_concurrency, items_total, items_started, items_succeeded, items_failed,
       items_timed_out, items_aborted, children_started, children_succeeded,
       children_failed, children_timed_out, children_aborted, redrive_count, is_due,
       is_ending, is_settled, is_redriven, arn, execution_type, status
FROM map_runs
WHERE shard = %(shard)s
  AND execution_id = %(execution_id)s::uuid
  AND event_id < %(before)s
ORDER BY event_id DESC
LIMIT %(limit)s;

-- name: parent
-- The ARN of the execution that a run belongs to.
SELECT arn
FROM execution_records
WHERE shard = %(shard)s
  AND execution_id = %(execution_id)s::uuid;

-- name: update
-- Change what bounds a run that has not ended; what is NULL stays.
UPDATE map_runs
SET max_concurrency = coalesce(%(max_concurrency)s::integer, max_concurrency),
    tolerated_count = coalesce(%(tolerated_count)s::bigint, tolerated_count),
    tolerated_percentage =
        coalesce(%(tolerated_percentage)s::float8, tolerated_percentage),
    is_due = true
WHERE shard = %(shard)s
  AND map_run_id = %(map_run_id)s::uuid
  AND status = 'RUNNING'
RETURNING 1;

-- name: needing
-- The runs of some shards that have something to do. Those of executions in quarantine
-- sleep until the release.
SELECT run.shard, run.map_run_id::text
FROM map_runs AS run
WHERE run.shard = ANY (%(shards)s::integer[])
  AND NOT run.is_settled
  AND (
      run.is_due
      OR EXISTS (
          SELECT FROM map_run_ends AS ended
          WHERE ended.shard = run.shard
            AND ended.map_run_id = run.map_run_id
      )
  )
  AND NOT EXISTS (
      SELECT FROM quarantine
      WHERE quarantine.shard = run.shard
        AND quarantine.execution_id = run.execution_id
  )
LIMIT %(most)s;

-- name: execution
-- Which execution a run belongs to.
SELECT execution_id::text
FROM map_runs
WHERE shard = %(shard)s
  AND map_run_id = %(map_run_id)s::uuid;

-- name: lock
-- Hold a run for one round; nobody closes or changes it meanwhile.
SELECT map_run_id::text, execution_id::text, start_date, stop_date, redrive_date,
       tolerated_percentage, tolerated_count, output_bytes, shard, event_id,
       max_concurrency, items_total, items_started, items_succeeded, items_failed,
       items_timed_out, items_aborted, children_started, children_succeeded,
       children_failed, children_timed_out, children_aborted, redrive_count, is_due,
       is_ending, is_settled, is_redriven, arn, execution_type, status
FROM map_runs
WHERE shard = %(shard)s
  AND map_run_id = %(map_run_id)s::uuid
FOR UPDATE;

-- name: count_ends
-- Take the children that have ended, each once: what is counted is gone.
WITH counted AS (
    DELETE FROM map_run_ends
    WHERE shard = %(shard)s
      AND map_run_id = %(map_run_id)s::uuid
    RETURNING status, items, output_bytes
)
SELECT status, count(*), sum(items), sum(output_bytes)
FROM counted
GROUP BY status;

-- name: write
-- Where a run stands after a round.
UPDATE map_runs
SET output_bytes = %(output_bytes)s,
    items_started = %(items_started)s,
    items_succeeded = %(items_succeeded)s,
    items_failed = %(items_failed)s,
    items_timed_out = %(items_timed_out)s,
    items_aborted = %(items_aborted)s,
    children_started = %(children_started)s,
    children_succeeded = %(children_succeeded)s,
    children_failed = %(children_failed)s,
    children_timed_out = %(children_timed_out)s,
    children_aborted = %(children_aborted)s,
    is_due = %(is_due)s,
    is_ending = %(is_ending)s,
    is_settled = %(is_settled)s,
    is_redriven = %(is_redriven)s
WHERE shard = %(shard)s
  AND map_run_id = %(map_run_id)s::uuid;

-- name: tell
-- The end of a run, on its way to the execution that has it.
INSERT INTO inbox (execution_id, created_at, shard, kind, body)
VALUES (%(execution_id)s::uuid, %(now)s, %(shard)s, %(kind)s, %(body)s)
RETURNING id;

-- name: stop_children
-- Children of a run that has ended, which still run, or are about to go on by a redrive:
-- that reaches them first.
INSERT INTO inbox (execution_id, created_at, shard, kind, body)
SELECT execution_id, %(now)s, shard, 'stop', '{"error":null,"cause":null}'
FROM execution_records
WHERE map_run_arn = %(arn)s
  AND (
      status = 'RUNNING'
      OR (shard, execution_id) IN (
          SELECT letter.shard, letter.execution_id
          FROM inbox AS letter
          WHERE letter.kind = 'redrive_child'
            AND letter.consumed_at IS NULL
      )
  );

-- name: ended_before
-- How children that a redriven run comes to once more had ended, and how large their
-- outputs are.
SELECT child.execution_id::text, child.status, child.start_date, child.stop_date,
       child.last_event_id, octet_length(coalesce(last.data, holder.data, ''))
FROM unnest(%(shards)s::integer[], %(execution_ids)s::uuid[]) AS wanted (shard, execution_id)
JOIN execution_records AS child
    ON child.shard = wanted.shard
   AND child.execution_id = wanted.execution_id
LEFT JOIN events AS last
    ON last.shard = wanted.shard
   AND last.execution_id = wanted.execution_id
   AND last.event_id = child.last_event_id
LEFT JOIN events AS holder
    ON holder.shard = wanted.shard
   AND holder.execution_id = wanted.execution_id
   AND holder.event_id = last.data_from;

-- name: redrive_children
-- Children of a redriven run that have ended badly, and may go on.
INSERT INTO inbox (execution_id, created_at, shard, kind, body)
SELECT child.execution_id, %(now)s, child.shard, %(kind)s, %(body)s
FROM unnest(%(shards)s::integer[], %(execution_ids)s::uuid[]) AS child (shard, execution_id);

-- name: results
-- How some children have ended, in the order in which they are named.
SELECT child.arn, child.name, child.state_machine_arn, child.status, child.start_date,
       child.stop_date, child.redrive_count, first.data,
       coalesce(last.data, holder.data), last.details
FROM unnest(%(shards)s::integer[], %(execution_ids)s::uuid[])
    WITH ORDINALITY AS wanted (shard, execution_id, position)
JOIN execution_records AS child
    ON child.shard = wanted.shard
   AND child.execution_id = wanted.execution_id
LEFT JOIN events AS first
    ON first.shard = wanted.shard
   AND first.execution_id = wanted.execution_id
   AND first.event_id = 1
LEFT JOIN events AS last
    ON last.shard = wanted.shard
   AND last.execution_id = wanted.execution_id
   AND last.event_id = child.last_event_id
LEFT JOIN events AS holder
    ON holder.shard = wanted.shard
   AND holder.execution_id = wanted.execution_id
   AND holder.event_id = last.data_from
ORDER BY wanted.position;
