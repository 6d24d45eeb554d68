-- Who waits, until when and why: a Wait state for its time, a retry for its backoff, a task
-- for a worker that serves its function. Tasks that somebody must answer are in
-- approvals_pending.
CREATE OR REPLACE VIEW open_waits AS
SELECT
    r.arn AS execution,
    r.state_machine_arn AS machine,
    visited.state_name,
    CASE w.kind WHEN 1 THEN 'wait' WHEN 2 THEN 'retry' END AS reason,
    coalesce(failure."time", visited."time") AS since,
    w.due AS until,
    NULL::text AS function,
    NULL::boolean AS served,
    stepwell_masked(
        stepwell_json(failure.details) ->> 'error', r.shard, r.execution_id
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
JOIN events AS visited
    ON visited.shard = w.shard
    AND visited.execution_id = w.execution_id
    AND visited.event_id = w.event_id
-- The failure that a retry waits after: the last one which the scope of this state took.
-- It may have happened inside, in a branch or an iteration.
LEFT JOIN LATERAL (
    SELECT f."time", f.details
    FROM events AS f
    WHERE w.kind = 2
        AND f.shard = w.shard
        AND f.execution_id = w.execution_id
        AND f.event_id > w.event_id
        AND CASE
            WHEN strpos(f.memo, '"failure"') > 0
            THEN (stepwell_json(f.memo) #>> '{failure,scope}')::bigint
                = coalesce(visited.scope, 0)
        END
    ORDER BY f.event_id DESC
    LIMIT 1
) AS failure ON true
WHERE w.kind IN (1, 2)
UNION ALL
SELECT
    r.arn,
    r.state_machine_arn,
    visited.state_name,
    'worker',
    scheduled."time",
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
JOIN events AS scheduled
    ON scheduled.shard = w.shard
    AND scheduled.execution_id = w.execution_id
    AND scheduled.event_id = w.event_id
LEFT JOIN events AS visited
    ON visited.shard = scheduled.shard
    AND visited.execution_id = scheduled.execution_id
    AND visited.event_id = scheduled.visit
LEFT JOIN timers AS deadline
    ON deadline.shard = w.shard
    AND deadline.execution_id = w.execution_id
    AND deadline.event_id = w.event_id
    AND deadline.kind = 3
WHERE w.function IS NOT NULL
    AND w.worker IS NULL;
