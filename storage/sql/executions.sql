-- Executions as lists and descriptions show them.

-- name: newest
-- The newest execution of an ARN: what the API means by it.
SELECT
    execution_id::text, revision_id, start_date, stop_date, redrive_date, shard,
    generation, last_event_id, redrive_count, arn, name, state_machine_arn, status,
    version_arn, alias_arn, map_run_arn, trace_header, item_count
FROM execution_records
WHERE shard = %(shard)s
    AND arn = %(arn)s
ORDER BY generation DESC
LIMIT 1

-- name: description
-- The same, with its input and, once it is closed, its last event's payload and details.
SELECT
    r.execution_id::text, r.revision_id, r.start_date, r.stop_date, r.redrive_date,
    r.shard, r.generation, r.last_event_id, r.redrive_count, r.arn, r.name,
    r.state_machine_arn, r.status, r.version_arn, r.alias_arn, r.map_run_arn,
    r.trace_header, r.item_count,
    first.data AS input,
    coalesce(last.data, holder.data) AS output,
    last.details
FROM (
    SELECT *
    FROM execution_records
    WHERE shard = %(shard)s
        AND arn = %(arn)s
    ORDER BY generation DESC
    LIMIT 1
) AS r
LEFT JOIN events AS first
    ON first.shard = %(shard)s
    AND first.execution_id = r.execution_id
    AND first.event_id = 1
LEFT JOIN events AS last
    ON last.shard = %(shard)s
    AND last.execution_id = r.execution_id
    AND last.event_id = r.last_event_id
LEFT JOIN events AS holder
    ON holder.shard = %(shard)s
    AND holder.execution_id = r.execution_id
    AND holder.event_id = last.data_from

-- name: redriven
-- When a call with a client token redrove an execution, the last time. The memo is parsed of
-- redrives only: theirs is known to be plain.
SELECT e."time"
FROM events AS e
WHERE e.shard = %(shard)s
    AND e.execution_id = %(execution_id)s::uuid
    AND e.type = %(type)s
    AND CASE
        WHEN e.type = %(type)s
        THEN e.memo::jsonb ->> 'clientToken' = %(client_token)s
    END
ORDER BY e.event_id DESC
LIMIT 1

-- name: page
-- Executions that bear an ARN in {column} (their machine, version, alias or Map Run), of the
-- given statuses, newest first, after the one last shown. Each status is read to the limit
-- from the index of the column and the results are merged: one index serves every filter, and
-- a rare status is found as quickly as a common one.
SELECT found.*
FROM unnest(%(statuses)s::text[]) AS wanted (status)
CROSS JOIN LATERAL (
    SELECT
        execution_id::text, revision_id, start_date, stop_date, redrive_date, shard,
        generation, last_event_id, redrive_count, arn, name, state_machine_arn, status,
        version_arn, alias_arn, map_run_arn, trace_header, item_count
    FROM execution_records AS r
    WHERE r.{column} = %(listed)s
        AND r.status = wanted.status COLLATE "C"
        AND (
            %(is_redriven)s::boolean IS NULL
            OR (r.redrive_count > 0) = %(is_redriven)s
        )
        AND (
            %(is_awaiting)s::boolean IS NULL
            OR (
                r.status <> 'SUCCEEDED'
                AND coalesce(r.stop_date < %(redriven_at)s::timestamptz, false)
                AND r.stop_date >= %(oldest_stop)s::timestamptz
                AND r.start_date >= %(oldest_start)s::timestamptz
                AND r.last_event_id < %(most_events)s::integer
            ) = %(is_awaiting)s
        )
        AND (r.start_date, r.execution_id)
            < (%(before_date)s::timestamptz, %(before_id)s::uuid)
    ORDER BY r.start_date DESC, r.execution_id DESC
    LIMIT %(limit)s
) AS found
ORDER BY found.start_date DESC, found.execution_id DESC
LIMIT %(limit)s

-- name: census
-- How many children of a redriven Map Run stand how, with how many items: those that had ended
-- badly before its redrive, and may be redriven, wait for it.
SELECT standing, count(*), coalesce(sum(item_count), 0)
FROM (
    SELECT
        item_count,
        CASE
            WHEN status <> 'SUCCEEDED'
                AND coalesce(stop_date < %(redriven_at)s::timestamptz, false)
                AND stop_date >= %(oldest_stop)s::timestamptz
                AND start_date >= %(oldest_start)s::timestamptz
                AND last_event_id < %(most_events)s::integer
            THEN 'PENDING_REDRIVE'
            ELSE status
        END AS standing
    FROM execution_records
    WHERE map_run_arn = %(listed)s
) AS children
GROUP BY standing

-- name: not_redrivable
-- How many children of a Map Run that ended badly, with how many items, may not be redriven any
-- more.
SELECT count(*), coalesce(sum(item_count), 0)
FROM execution_records
WHERE map_run_arn = %(listed)s
    AND status <> 'RUNNING'
    AND status <> 'SUCCEEDED'
    AND (
        stop_date < %(oldest_stop)s
        OR start_date < %(oldest_start)s
        OR last_event_id >= %(most_events)s
    )

-- name: count_open
-- Open executions of each machine that is known.
SELECT m.arn, count(r.execution_id)
FROM state_machines AS m
LEFT JOIN execution_records AS r
    ON r.state_machine_arn = m.arn
    AND r.status = 'RUNNING'
GROUP BY m.arn
