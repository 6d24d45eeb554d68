-- One row per event. The log of each execution is read by itself (LATERAL), so that a query
-- for one execution never looks at another's events: a plain join could not pass the
-- execution on to below the window functions.
CREATE OR REPLACE VIEW execution_history AS
SELECT
    r.arn AS execution,
    r.state_machine_arn AS machine,
    h.event_id,
    h.previous_id,
    h.type,
    h.state_name,
    h."timestamp",
    CASE
        WHEN h.type = 'ExecutionStarted'
            OR h.type LIKE '%StateEntered'
            OR h.type LIKE '%Scheduled'
        THEN stepwell_masked(h.data, r.shard, r.execution_id)
    END AS input,
    CASE
        WHEN h.type LIKE '%StateExited'
            OR h.type LIKE '%Submitted'
            OR (h.type LIKE '%Succeeded' AND h.type NOT LIKE 'Map%')
        THEN stepwell_masked(h.data, r.shard, r.execution_id)
    END AS output,
    stepwell_masked(
        stepwell_json(h.details) ->> 'error', r.shard, r.execution_id
    ) AS error,
    stepwell_masked(
        stepwell_json(h.details) ->> 'cause', r.shard, r.execution_id
    ) AS cause,
    h.worker,
    h.attempt::integer AS attempt,
    r.name AS execution_name,
    r.generation,
    r.execution_id,
    r.shard,
    stepwell_caller(h.memo, 'name') AS caller,
    stepwell_caller(h.memo, 'key') AS caller_key
FROM execution_records AS r
CROSS JOIN LATERAL (
    SELECT
        numbered.*,
        max(
            CASE
                WHEN numbered.attempt IS NOT NULL AND numbered.type LIKE '%Started'
                THEN coalesce(
                    stepwell_json(numbered.details) ->> 'workerName',
                    stepwell_json(numbered.memo) ->> 'worker'
                )
            END
        ) OVER (
            PARTITION BY numbered.visit, numbered.attempt ORDER BY numbered.event_id
        ) AS worker
    FROM (
        SELECT
            e.event_id,
            e.previous_id,
            t.name AS type,
            e."time" AS "timestamp",
            e.visit,
            coalesce(e.state_name, visited.state_name) AS state_name,
            coalesce(e.data, holder.data) AS data,
            e.details,
            e.memo,
            CASE
                WHEN e.visit IS NOT NULL
                    AND t.name NOT LIKE '%StateEntered'
                    AND t.name NOT LIKE '%StateExited'
                THEN nullif(
                    count(*) FILTER (
                        WHERE t.name LIKE '%Scheduled'
                            OR t.name IN ('MapStateStarted', 'ParallelStateStarted')
                    ) OVER (PARTITION BY e.visit ORDER BY e.event_id),
                    0
                )
            END AS attempt
        FROM events AS e
        JOIN event_types AS t ON t.code = e.type
        LEFT JOIN events AS visited
            ON visited.shard = r.shard
            AND visited.execution_id = r.execution_id
            AND visited.event_id = e.visit
        LEFT JOIN events AS holder
            ON holder.shard = r.shard
            AND holder.execution_id = r.execution_id
            AND holder.event_id = e.data_from
        WHERE e.shard = r.shard
            AND e.execution_id = r.execution_id
    ) AS numbered
) AS h;
