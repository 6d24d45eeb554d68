-- name: see_sessions
-- Show the other engines which workers poll this process. A session that went on to another
-- process is seen there later than here.
INSERT INTO worker_sessions (seen_at, slots, session, process, name, functions)
SELECT clock_timestamp() - seen.age, seen.slots, seen.session, %(process)s, seen.name,
       seen.functions
FROM unnest(
    %(sessions)s::text[], %(ages)s::interval[], %(slots)s::integer[], %(names)s::text[],
    %(functions)s::text[]
) AS seen (session, age, slots, name, functions)
ORDER BY seen.session
ON CONFLICT (session) DO UPDATE
SET seen_at = EXCLUDED.seen_at,
    slots = EXCLUDED.slots,
    process = EXCLUDED.process,
    functions = EXCLUDED.functions
WHERE worker_sessions.seen_at < EXCLUDED.seen_at;

-- name: alive_sessions
-- Which of some sessions have polled any process lately.
SELECT session
FROM worker_sessions
WHERE session = ANY (%(sessions)s::text[])
  AND seen_at > clock_timestamp() - %(timeout)s::interval;

-- name: served_functions
-- Functions of the workers that have polled any process lately.
SELECT DISTINCT served.function
FROM worker_sessions AS sessions,
    json_array_elements_text(sessions.functions::json) AS served (function)
WHERE sessions.seen_at > clock_timestamp() - %(within)s::interval;

-- name: forget_session
-- A worker has said good-bye.
DELETE FROM worker_sessions WHERE session = %(session)s;

-- name: held_by_session
-- The attempts that a session holds, wherever their shards are.
SELECT shard, execution_id::text, event_id
FROM tasks
WHERE worker = %(session)s;

-- name: held_elsewhere
-- The attempts that some sessions hold in shards of other engines.
SELECT worker, shard, execution_id::text, event_id
FROM tasks
WHERE worker = ANY (%(sessions)s::text[])
  AND shard <> ALL (%(held)s::integer[]);

-- name: waiting
-- Tasks of any shard that wait for a worker.
SELECT shard, execution_id::text, event_id, function
FROM tasks
WHERE function = ANY (%(functions)s::text[])
  AND worker IS NULL
ORDER BY created_at
LIMIT %(most)s;

-- name: epoch
-- The present epoch of a shard, for the hand-over of an attempt of another engine's.
SELECT epoch FROM leases WHERE shard = %(shard)s;
