-- What is looked for now and then instead of being timed: defaults that hardly anybody
-- reaches have no timer rows, and rows that nobody waits for may lie for a while.

-- name: overdue_executions
-- Open executions of the held shards that began before an instant and were not redriven
-- since, the oldest of each machine. By machine, because the index of listings then leads straight to the oldest.
SELECT overdue.shard, overdue.execution_id::text, overdue.opened
FROM state_machines
CROSS JOIN LATERAL (
    SELECT records.shard, records.execution_id,
           coalesce(records.redrive_date, records.start_date) AS opened
    FROM execution_records AS records
    WHERE records.state_machine_arn = state_machines.arn
      AND records.status = 'RUNNING'
      AND records.start_date <= %(before)s::timestamptz
      AND (records.redrive_date IS NULL
           OR records.redrive_date <= %(before)s::timestamptz)
      AND records.shard = ANY (%(shards)s::integer[])
      AND NOT EXISTS (
          SELECT FROM quarantine
          WHERE quarantine.shard = records.shard
            AND quarantine.execution_id = records.execution_id
      )
    ORDER BY records.start_date
    LIMIT %(bound)s::integer
) AS overdue
LIMIT %(bound)s::integer;

-- name: overdue_tasks
-- Open attempts of the held shards that were scheduled before an instant and have no
-- timeout of their own. Reads all open tasks: to be asked seldom.
SELECT tasks.shard, tasks.execution_id::text, tasks.event_id, tasks.created_at
FROM tasks
WHERE tasks.shard = ANY (%(shards)s::integer[])
  AND tasks.created_at <= %(before)s::timestamptz
  AND NOT EXISTS (
      SELECT FROM timers
      WHERE timers.shard = tasks.shard
        AND timers.execution_id = tasks.execution_id
        AND timers.event_id = tasks.event_id
        AND timers.kind = %(task_timeout)s::smallint
  )
  AND NOT EXISTS (
      SELECT FROM quarantine
      WHERE quarantine.shard = tasks.shard
        AND quarantine.execution_id = tasks.execution_id
  )
ORDER BY tasks.created_at
LIMIT %(bound)s::integer;

-- name: delete_verdicts
-- Answered stimuli of the held shards whose asker has had time to read the answer.
DELETE FROM inbox
USING (
    SELECT answered.shard, answered.id
    FROM inbox AS answered
    WHERE answered.shard = ANY (%(shards)s::integer[])
      AND answered.consumed_at <= %(before)s::timestamptz
    LIMIT %(bound)s::integer
) AS swept
WHERE inbox.shard = swept.shard
  AND inbox.id = swept.id;

-- name: delete_engines
-- Engines that died: by the database's clock, as their leases, and not by workflow time,
-- which a test may move by a year.
DELETE FROM engines
WHERE engines.expires_at < transaction_timestamp() - %(grace)s::interval;

-- name: delete_sessions
-- Worker sessions that nobody has seen for long, and that hold no attempt any more.
DELETE FROM worker_sessions
WHERE worker_sessions.seen_at < transaction_timestamp() - %(grace)s::interval
  AND NOT EXISTS (
      SELECT FROM tasks
      WHERE tasks.worker = worker_sessions.session
  );
