-- The log of one execution, read for the API and the commands.

-- name: page_forward
-- Events after a given one, oldest first.
SELECT
    e.event_id, e.previous_id, t.name AS type, e."time", e.scope, e.visit, e.state_name,
    e.data, e.data_from, e.details, e.memo
FROM events AS e
JOIN event_types AS t ON t.code = e.type
WHERE e.shard = %(shard)s
    AND e.execution_id = %(execution_id)s
    AND e.event_id > %(bound)s
ORDER BY e.event_id
LIMIT %(limit)s

-- name: page_backward
-- Events before a given one, newest first.
SELECT
    e.event_id, e.previous_id, t.name AS type, e."time", e.scope, e.visit, e.state_name,
    e.data, e.data_from, e.details, e.memo
FROM events AS e
JOIN event_types AS t ON t.code = e.type
WHERE e.shard = %(shard)s
    AND e.execution_id = %(execution_id)s
    AND e.event_id < %(bound)s
ORDER BY e.event_id DESC
LIMIT %(limit)s

-- name: elsewhere
-- What a page refers to outside itself: who holds its payloads, and which states it visits.
SELECT event_id, state_name, data
FROM events
WHERE shard = %(shard)s
    AND execution_id = %(execution_id)s
    AND event_id = ANY(%(event_ids)s::integer[])
