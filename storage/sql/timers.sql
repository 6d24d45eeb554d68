-- name: due_timers
-- The timers of the held shards that are due up to an instant, the earliest of each shard,
-- at most `bounds[i]` of shard i. Those of executions in quarantine sleep until the release.
-- One index probe a shard: the instant must be a parameter, for a volatile clock_timestamp()
-- could not be looked up in the index (shard, due).
SELECT due_in_shard.shard,
       due_in_shard.execution_id::text,
       due_in_shard.event_id,
       due_in_shard.kind,
       due_in_shard.due
FROM unnest(%(shards)s::integer[], %(bounds)s::integer[]) AS held (shard, bound)
CROSS JOIN LATERAL (
    SELECT timers.shard, timers.execution_id, timers.event_id, timers.kind, timers.due
    FROM timers
    WHERE timers.shard = held.shard
      AND timers.due <= %(until)s::timestamptz
      AND NOT EXISTS (
          SELECT FROM quarantine
          WHERE quarantine.shard = timers.shard
            AND quarantine.execution_id = timers.execution_id
      )
    ORDER BY timers.due
    LIMIT held.bound
) AS due_in_shard;

-- name: next_due
-- The earliest timer of the held shards after an instant; NULL when there is none.
SELECT min(next_in_shard.due)
FROM unnest(%(shards)s::integer[]) AS held (shard)
CROSS JOIN LATERAL (
    SELECT timers.due
    FROM timers
    WHERE timers.shard = held.shard
      AND timers.due > %(after)s::timestamptz
      AND NOT EXISTS (
          SELECT FROM quarantine
          WHERE quarantine.shard = timers.shard
            AND quarantine.execution_id = timers.execution_id
      )
    ORDER BY timers.due
    LIMIT 1
) AS next_in_shard;
