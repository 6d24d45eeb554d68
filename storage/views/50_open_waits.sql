-- Who waits, until when and why: a Wait state for its time, a retry for its backoff, a task
-- for a worker that serves its function. Tasks that somebody must answer are in
-- approvals_pending.
CREATE OR REPLACE VIEW open_waits AS
SELECT
    r.arn AS execution,
    r.state_machine_arn AS machine,
    coalesce(e.state_name, visited.state_name) AS state_name,
    CASE w.kind WHEN 1 THEN 'wait' WHEN 2 THEN 'retry' END AS reason,
    e."time" AS since,
    w.due AS until,
    NULL::text AS function,
    NULL::boolean AS served,
    stepwell_masked(
        stepwell_json(e.details) ->> 'error', r.shard, r.execution_id
    ) AS error,
    r.name AS execution_name,
    w.event_id,
    r.generation,
    r.execution_id,
    r.shard
FROM timers AS w
JOIN execution_records AS r
    ON r.shard = w.shard
    AND r.execution_id = w.execution_id
JOIN events AS e
    ON e.shard = w.shard
    AND e.execution_id = w.execution_id
    AND e.event_id = w.event_id
LEFT JOIN events AS visited
    ON visited.shard = e.shard
    AND visited.execution_id = e.execution_id
    AND visited.event_id = e.visit
WHERE w.kind IN (1, 2)
UNION ALL
SELECT
    r.arn,
    r.state_machine_arn,
    visited.state_name,
    'worker',
    e."time",
    deadline.due,
    w.function,
    EXISTS (
        SELECT
        FROM worker_sessions AS s,
            json_array_elements_text(stepwell_json(s.functions)) AS served (function)
        WHERE served.function = w.function
            AND s.seen_at > now() - interval '1 minute'
    ),
    NULL,
    r.name,
    w.event_id,
    r.generation,
    r.execution_id,
    r.shard
FROM tasks AS w
JOIN execution_records AS r
    ON r.shard = w.shard
    AND r.execution_id = w.execution_id
JOIN events AS e
    ON e.shard = w.shard
    AND e.execution_id = w.execution_id
    AND e.event_id = w.event_id
LEFT JOIN events AS visited
    ON visited.shard = e.shard
    AND visited.execution_id = e.execution_id
    AND visited.event_id = e.visit
LEFT JOIN timers AS deadline
    ON deadline.shard = w.shard
    AND deadline.execution_id = w.execution_id
    AND deadline.event_id = w.event_id
    AND deadline.kind = 3
WHERE w.function IS NOT NULL
    AND w.worker IS NULL;
