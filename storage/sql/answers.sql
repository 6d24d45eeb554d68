-- name: take_over
-- Answer for somebody who has got no answer: an equal call that was accepted, whose asker has
-- given up or is gone. A row answers once.
UPDATE inbox
SET asker = %(asker)s
FROM (
    SELECT found.shard, found.id
    FROM inbox AS found
    WHERE found.shard = %(shard)s
      AND found.execution_id = %(execution_id)s::uuid
      AND found.kind = %(kind)s
      AND found.body = %(body)s
      AND (found.caller IS NULL OR found.caller = %(caller)s)
      AND found.verdict = 'accepted'
      AND (
          found.asker IS NULL
          OR NOT EXISTS (
              SELECT FROM engines
              WHERE engines.id = found.asker
                AND engines.expires_at > clock_timestamp()
          )
      )
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) AS unanswered
WHERE inbox.shard = unanswered.shard
  AND inbox.id = unanswered.id
RETURNING inbox.id;

-- name: askers
-- Who has asked for an equal call that was accepted, and whether each is known to have lived
-- for a while after that: then it has answered.
SELECT inbox.asker = %(asker)s
    OR engines.expires_at - %(lease)s::interval > inbox.consumed_at + %(margin)s::interval
FROM inbox
LEFT JOIN engines ON engines.id = inbox.asker
WHERE inbox.shard = %(shard)s
  AND inbox.execution_id = %(execution_id)s::uuid
  AND inbox.kind = %(kind)s
  AND inbox.body = %(body)s
  AND (inbox.caller IS NULL OR inbox.caller = %(caller)s)
  AND inbox.verdict = 'accepted';

-- name: ending
-- How an attempt has ended, if that was lately and under a holder of the shard that is gone:
-- whoever it accepted the answer from may not have heard of it.
SELECT ended.type, ended.data, ended.details, ended.memo
FROM events AS scheduled
CROSS JOIN LATERAL (
    SELECT events.type, events.time, events.data, events.details, events.memo
    FROM events
    WHERE events.shard = scheduled.shard
      AND events.execution_id = scheduled.execution_id
      AND events.event_id > scheduled.event_id
      AND events.visit = scheduled.visit
      AND events.type = ANY (%(types)s::smallint[])
    ORDER BY events.event_id
    LIMIT 1
) AS ended
JOIN leases ON leases.shard = scheduled.shard
WHERE scheduled.shard = %(shard)s
  AND scheduled.execution_id = %(execution_id)s::uuid
  AND scheduled.event_id = %(event_id)s
  AND ended.time < leases.taken_at
  AND ended.time > %(after)s;

-- name: keep
-- The verdict of a call that came when nobody waited for it any more.
INSERT INTO inbox (
    execution_id, created_at, consumed_at, shard, kind, body, caller, verdict
)
VALUES (
    %(execution_id)s::uuid, %(now)s, %(now)s, %(shard)s, %(kind)s, %(body)s, %(caller)s,
    'accepted'
);

-- name: give_up
-- Nobody waits for the verdicts on some stimuli any more: an equal call may have them.
UPDATE inbox
SET asker = NULL
FROM unnest(%(shards)s::integer[], %(ids)s::bigint[]) AS given_up (shard, id)
WHERE inbox.shard = given_up.shard
  AND inbox.id = given_up.id;
