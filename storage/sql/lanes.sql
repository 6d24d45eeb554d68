-- name: bump_epochs
-- After a commit of unknown outcome: take the own leases anew. Waits for the old session's
-- transaction, which holds their rows; a lease that is not returned was lost. The epoch is
-- ahead of ours where the answer to an earlier bump was lost.
UPDATE leases
SET epoch = leases.epoch + 1
FROM unnest(%(shards)s::integer[], %(epochs)s::bigint[]) AS held (shard, epoch)
WHERE leases.shard = held.shard
  AND leases.epoch >= held.epoch
  AND leases.holder = %(holder)s
RETURNING leases.shard, leases.epoch;

-- name: held_epochs
-- Which of some leases still stand at their epochs.
SELECT leases.shard
FROM unnest(%(shards)s::integer[], %(epochs)s::bigint[]) AS held (shard, epoch)
JOIN leases ON leases.shard = held.shard AND leases.epoch = held.epoch;

-- name: quarantine
-- Set an execution aside; its stimuli and timers stay where they are.
INSERT INTO quarantine (execution_id, created_at, shard, reason, detail)
VALUES (%(execution_id)s::uuid, %(now)s, %(shard)s, %(reason)s, %(detail)s)
ON CONFLICT (shard, execution_id) DO UPDATE
SET reason = EXCLUDED.reason,
    detail = EXCLUDED.detail;

-- name: take_over_inbox
-- Everything that waits in some shards, oldest first within each. What is for executions in
-- quarantine sleeps until the release.
SELECT shard, id, execution_id::text, kind, body, asker, caller
FROM inbox
WHERE shard = ANY (%(shards)s::integer[])
  AND consumed_at IS NULL
  AND NOT EXISTS (
      SELECT FROM quarantine
      WHERE quarantine.shard = inbox.shard
        AND quarantine.execution_id = inbox.execution_id
  )
ORDER BY shard, id
LIMIT %(most)s;

-- name: take_over_tasks
-- The open attempts of some shards that a worker has or that wait for one.
SELECT shard, execution_id::text, event_id, function, worker
FROM tasks
WHERE shard = ANY (%(shards)s::integer[])
  AND function IS NOT NULL;
