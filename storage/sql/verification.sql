-- What `verify` reads, in one snapshot: the log of some executions, and all that must agree
-- with it.

-- name: records
-- Executions of one shard after a given one. Not those of Express machines: of their
-- histories only as much is in the log as the machine asks for.
SELECT shard, execution_id::text, arn, generation, name, state_machine_arn, status,
       start_date, stop_date, last_event_id, redrive_count, redrive_date
FROM execution_records
WHERE shard = %(shard)s
  AND execution_id > %(after)s::uuid
  AND strpos(arn, ':express:') = 0
ORDER BY execution_id
LIMIT %(limit)s;

-- name: records_of
-- All generations of one ARN.
SELECT shard, execution_id::text, arn, generation, name, state_machine_arn, status,
       start_date, stop_date, last_event_id, redrive_count, redrive_date
FROM execution_records
WHERE arn = %(arn)s
ORDER BY generation;

-- name: events
-- The logs of some executions of one shard, in the columns of `EventRow`.
SELECT execution_id::text, event_id, previous_id, type, time, scope, visit, data_from,
       state_name, data, details, memo
FROM events
WHERE shard = %(shard)s
  AND execution_id = ANY (%(execution_ids)s::uuid[])
ORDER BY execution_id, event_id;

-- name: timers
-- The timers of some executions of one shard.
SELECT execution_id::text, event_id, kind, due
FROM timers
WHERE shard = %(shard)s
  AND execution_id = ANY (%(execution_ids)s::uuid[]);

-- name: tasks
-- The open attempts of some executions of one shard.
SELECT execution_id::text, event_id, function, worker
FROM tasks
WHERE shard = %(shard)s
  AND execution_id = ANY (%(execution_ids)s::uuid[]);

-- name: waiting
-- Which executions have a stimulus waiting.
SELECT DISTINCT execution_id::text
FROM inbox
WHERE shard = %(shard)s
  AND execution_id = ANY (%(execution_ids)s::uuid[])
  AND consumed_at IS NULL;

-- name: map_runs
-- The Map Runs of some executions of one shard, with how many children each has: those that
-- it has counted, or will count, those that run, and those that go on after a redrive.
SELECT run.execution_id::text, run.arn, run.status, run.children_started,
       run.children_succeeded + run.children_failed + run.children_timed_out
           + run.children_aborted
       + (SELECT count(*) FROM map_run_ends AS ended
          WHERE ended.shard = run.shard
            AND ended.map_run_id = run.map_run_id)
       + (SELECT count(*) FROM execution_records AS child
          WHERE child.map_run_arn = run.arn
            AND child.status = 'RUNNING')
       + (SELECT count(*) FROM express_runs AS child
          WHERE child.map_run_shard = run.shard
            AND child.map_run_arn = run.arn)
       + (SELECT count(*) FROM inbox AS letter
          JOIN execution_records AS child
              ON child.shard = letter.shard
             AND child.execution_id = letter.execution_id
          WHERE letter.kind = 'redrive_child'
            AND letter.consumed_at IS NULL
            AND child.status <> 'RUNNING'
            AND child.map_run_arn = run.arn)
FROM map_runs AS run
WHERE run.shard = %(shard)s
  AND run.execution_id = ANY (%(execution_ids)s::uuid[]);

-- name: set_aside
-- Which executions are in quarantine, and why.
SELECT execution_id::text, reason
FROM quarantine
WHERE shard = %(shard)s
  AND execution_id = ANY (%(execution_ids)s::uuid[]);

-- name: strays
-- Rows of one shard that belong to no execution.
SELECT stray.kind, stray.execution_id::text, count(*)
FROM (
    SELECT 'event' AS kind, execution_id FROM events WHERE shard = %(shard)s
    UNION ALL
    SELECT 'timer', execution_id FROM timers WHERE shard = %(shard)s
    UNION ALL
    SELECT 'task', execution_id FROM tasks WHERE shard = %(shard)s
    UNION ALL
    SELECT 'map run', execution_id FROM map_runs WHERE shard = %(shard)s
) AS stray
WHERE NOT EXISTS (
    SELECT FROM execution_records AS records
    WHERE records.shard = %(shard)s
      AND records.execution_id = stray.execution_id
)
GROUP BY stray.kind, stray.execution_id;
