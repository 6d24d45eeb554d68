-- Tasks that end when somebody answers: callbacks with a task token, and activities. The
-- token itself is not readable here.
CREATE OR REPLACE VIEW approvals_pending AS
SELECT
    r.arn AS execution,
    r.state_machine_arn AS machine,
    visited.state_name,
    CASE t.name WHEN 'ActivityScheduled' THEN 'activity' ELSE 'callback' END AS kind,
    stepwell_json(e.details) ->> 'resource' AS resource,
    e."time" AS since,
    deadline.due AS until,
    heartbeat.due AS heartbeat_until,
    stepwell_masked(coalesce(e.data, holder.data), r.shard, r.execution_id) AS input,
    w.worker,
    r.name AS execution_name,
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
JOIN event_types AS t ON t.code = e.type
LEFT JOIN events AS visited
    ON visited.shard = e.shard
    AND visited.execution_id = e.execution_id
    AND visited.event_id = e.visit
LEFT JOIN events AS holder
    ON holder.shard = e.shard
    AND holder.execution_id = e.execution_id
    AND holder.event_id = e.data_from
LEFT JOIN timers AS deadline
    ON deadline.shard = w.shard
    AND deadline.execution_id = w.execution_id
    AND deadline.event_id = w.event_id
    AND deadline.kind = 3
LEFT JOIN timers AS heartbeat
    ON heartbeat.shard = w.shard
    AND heartbeat.execution_id = w.execution_id
    AND heartbeat.event_id = w.event_id
    AND heartbeat.kind = 4
WHERE t.name = 'ActivityScheduled'
    OR stepwell_json(e.memo) ->> 'waitsForToken' = 'true';
