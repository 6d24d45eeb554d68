-- What an installation says of itself, and how its processes are.

-- name: shards
-- How many shards there are, fixed when the installation was made.
SELECT value::integer FROM settings WHERE key = 'shards';

-- name: unheld
-- How many shards nobody holds now, by the database's clock.
SELECT count(*)
FROM leases
WHERE holder IS NULL
   OR expires_at < clock_timestamp();

-- name: engine_of_process
-- The engines that a process of one host has registered.
SELECT id
FROM engines
WHERE host = %(host)s
  AND pid = %(pid)s;

-- name: engines
-- The engines that were alive lately, with the number of shards each holds.
SELECT engines.id,
       engines.pid,
       split_part(engines.host, ':', 1),
       clock_timestamp() - engines.started_at,
       engines.expires_at > clock_timestamp(),
       (SELECT count(*) FROM leases
        WHERE leases.holder = engines.id AND leases.expires_at > clock_timestamp())
FROM engines
ORDER BY engines.started_at;

-- name: workers
-- The worker sessions that polled within a minute, and how many attempts each has.
SELECT sessions.name,
       sessions.functions,
       sessions.slots,
       clock_timestamp() - sessions.seen_at,
       (SELECT count(*) FROM tasks WHERE tasks.worker = sessions.session)
FROM worker_sessions AS sessions
WHERE sessions.seen_at > clock_timestamp() - interval '1 minute'
ORDER BY sessions.name, sessions.session;

-- name: unserved
-- Functions that tasks wait for and no worker serves.
SELECT function, count(*), min(since), min(execution)
FROM open_waits
WHERE reason = 'worker'
  AND NOT served
GROUP BY function
ORDER BY min(since);

-- name: executions_by_status
-- How many executions there are.
SELECT status, count(*) FROM execution_records GROUP BY status ORDER BY status;

-- name: quarantined
-- The executions that were set aside.
SELECT records.arn, quarantine.reason, quarantine.created_at
FROM quarantine
JOIN execution_records AS records
    ON records.shard = quarantine.shard
    AND records.execution_id = quarantine.execution_id
ORDER BY quarantine.created_at;

-- name: release
-- Let a set-aside execution go on, by a stimulus of its own.
WITH released AS (
    DELETE FROM quarantine
    USING execution_records AS records
    WHERE records.arn = %(arn)s
      AND quarantine.shard = records.shard
      AND quarantine.execution_id = records.execution_id
    RETURNING quarantine.shard, quarantine.execution_id
)
INSERT INTO inbox (execution_id, created_at, shard, kind, body)
SELECT released.execution_id, clock_timestamp(), released.shard, 'continue', '{}'
FROM released
RETURNING execution_id;
