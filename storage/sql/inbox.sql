-- name: send_many
-- Many stimuli at once, in their order.
INSERT INTO inbox (execution_id, created_at, shard, kind, body, asker, caller)
SELECT sent.execution_id, %(now)s, sent.shard, sent.kind, sent.body, %(asker)s, sent.caller
FROM unnest(
    %(execution_ids)s::uuid[], %(shards)s::integer[], %(kinds)s::text[],
    %(bodies)s::text[], %(callers)s::text[]
) WITH ORDINALITY AS sent (execution_id, shard, kind, body, caller, position)
ORDER BY sent.position
RETURNING id;

-- name: verdicts
-- The verdicts that have been given on some stimuli.
SELECT inbox.id, inbox.verdict
FROM unnest(%(shards)s::integer[], %(ids)s::bigint[]) AS asked (shard, id)
JOIN inbox ON inbox.shard = asked.shard AND inbox.id = asked.id
WHERE inbox.consumed_at IS NOT NULL;

-- name: hint
-- Tell the other engines that something waits. A hint only: a poll is the truth.
SELECT pg_notify('stepwell', %(hint)s);
