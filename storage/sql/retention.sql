-- Retention: the only deletion of events.

-- name: purge
-- Delete what closed longest ago, before the cutoff: executions with their events, bounded
-- in executions and in events. The record goes first and is judged again by itself, so two
-- sweeps at once, or a redrive, never leave an execution without its log.
WITH oldest AS (
    SELECT
        shard, execution_id,
        sum(last_event_id) OVER (ORDER BY stop_date, shard, execution_id) - last_event_id
            AS events_before
    FROM (
        SELECT shard, execution_id, stop_date, coalesce(last_event_id, 0) AS last_event_id
        FROM execution_records
        WHERE stop_date < %(cutoff)s
        ORDER BY stop_date
        LIMIT %(executions)s
    ) AS candidates
),
purged AS (
    DELETE FROM execution_records AS r
    USING oldest AS o
    WHERE o.events_before < %(events)s
        AND r.shard = o.shard
        AND r.execution_id = o.execution_id
        AND r.stop_date < %(cutoff)s
        -- A Map Run that has not ended will ask for the results of its children.
        AND NOT EXISTS (
            SELECT FROM map_runs AS run
            WHERE run.arn = r.map_run_arn
                AND run.status = 'RUNNING'
        )
    RETURNING r.shard, r.execution_id
),
forgotten AS (
    DELETE FROM map_runs AS run
    USING purged AS p
    WHERE run.shard = p.shard
        AND run.execution_id = p.execution_id
),
erased AS (
    DELETE FROM events AS e
    USING purged AS p
    WHERE e.shard = p.shard
        AND e.execution_id = p.execution_id
    RETURNING e.event_id
)
SELECT
    (SELECT count(*) FROM purged) AS executions,
    (SELECT count(*) FROM erased) AS events
