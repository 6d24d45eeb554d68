-- One row per attempt of a Task state: from its Scheduled event to the first event that
-- closes it. An attempt without such an event is open while the table of open tasks has it;
-- otherwise it was torn down with its execution, which writes no event per task: it closed
-- when that ended, after which a redrive may have opened it again.
CREATE OR REPLACE VIEW task_attempts AS
SELECT
    r.arn AS execution,
    r.state_machine_arn AS machine,
    visited.state_name,
    stepwell_json(opening.details) ->> 'resource' AS resource,
    stepwell_json(opening.memo) ->> 'function' AS function,
    a.attempt::integer AS attempt,
    a.scheduled,
    a.started,
    coalesce(closing."time", ending."time") AS closed,
    coalesce(closing."time", ending."time") - coalesce(a.started, a.scheduled)
        AS duration,
    CASE
        WHEN closing_type.name LIKE '%Succeeded' THEN 'SUCCEEDED'
        WHEN closing_type.name LIKE '%TimedOut' THEN 'TIMED_OUT'
        WHEN closing_type.name LIKE '%Failed' THEN 'FAILED'
        WHEN task.event_id IS NULL THEN 'ABORTED'
    END AS outcome,
    stepwell_masked(
        stepwell_json(closing.details) ->> 'error', r.shard, r.execution_id
    ) AS error,
    stepwell_masked(
        stepwell_json(closing.details) ->> 'cause', r.shard, r.execution_id
    ) AS cause,
    a.worker,
    a.event_id,
    a.closing_id AS closing_event_id,
    r.name AS execution_name,
    r.generation,
    r.execution_id,
    r.shard,
    stepwell_caller(closing.memo, 'name') AS caller,
    stepwell_caller(closing.memo, 'key') AS caller_key
FROM execution_records AS r
CROSS JOIN LATERAL (
    SELECT
        numbered.visit,
        numbered.attempt,
        min(numbered.event_id) FILTER (WHERE numbered.type LIKE '%Scheduled')
            AS event_id,
        min(numbered."time") FILTER (WHERE numbered.type LIKE '%Scheduled')
            AS scheduled,
        min(numbered."time") FILTER (WHERE numbered.type LIKE '%Started') AS started,
        max(
            CASE
                WHEN numbered.type LIKE '%Started'
                THEN coalesce(
                    stepwell_json(numbered.details) ->> 'workerName',
                    stepwell_json(numbered.memo) ->> 'worker'
                )
            END
        ) AS worker,
        min(numbered.event_id) FILTER (
            WHERE numbered.type LIKE '%Succeeded'
                OR numbered.type LIKE '%Failed'
                OR numbered.type LIKE '%TimedOut'
                OR numbered.type LIKE '%Aborted'
        ) AS closing_id
    FROM (
        SELECT
            e.event_id,
            e."time",
            e.visit,
            e.details,
            e.memo,
            t.name AS type,
            count(*) FILTER (WHERE t.name LIKE '%Scheduled')
                OVER (PARTITION BY e.visit ORDER BY e.event_id) AS attempt
        FROM events AS e
        JOIN event_types AS t ON t.code = e.type
        WHERE e.shard = r.shard
            AND e.execution_id = r.execution_id
            AND e.visit IS NOT NULL
            AND t.name ~ '^(Task|LambdaFunction|Activity)'
    ) AS numbered
    WHERE numbered.attempt > 0
    GROUP BY numbered.visit, numbered.attempt
) AS a
JOIN events AS opening
    ON opening.shard = r.shard
    AND opening.execution_id = r.execution_id
    AND opening.event_id = a.event_id
LEFT JOIN events AS visited
    ON visited.shard = r.shard
    AND visited.execution_id = r.execution_id
    AND visited.event_id = a.visit
LEFT JOIN events AS closing
    ON closing.shard = r.shard
    AND closing.execution_id = r.execution_id
    AND closing.event_id = a.closing_id
LEFT JOIN event_types AS closing_type ON closing_type.code = closing.type
LEFT JOIN tasks AS task
    ON task.shard = r.shard
    AND task.execution_id = r.execution_id
    AND task.event_id = a.event_id
LEFT JOIN LATERAL (
    SELECT e."time"
    FROM events AS e
    JOIN event_types AS t ON t.code = e.type
    WHERE closing.event_id IS NULL
        AND task.event_id IS NULL
        AND e.shard = r.shard
        AND e.execution_id = r.execution_id
        AND e.event_id > a.event_id
        AND t.name IN (
            'ExecutionFailed', 'ExecutionAborted', 'ExecutionTimedOut',
            'ExecutionSucceeded'
        )
    ORDER BY e.event_id
    LIMIT 1
) AS ending ON true;
