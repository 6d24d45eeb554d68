-- name: beat
-- Show that an engine lives; all times are the database's.
INSERT INTO engines (id, started_at, expires_at, pid, host, capabilities)
SELECT %(id)s, clock_timestamp(), clock_timestamp() + %(lease)s::interval,
       %(pid)s, %(host)s, %(capabilities)s::json
ON CONFLICT (id) DO UPDATE SET expires_at = EXCLUDED.expires_at;

-- name: prolong_lightly
-- What follows in this transaction may be lost with the database.
SET LOCAL synchronous_commit = off;

-- name: renew
-- Prolong the own leases, whatever their epochs: a lane may have raised one just now, and
-- whoever takes a lease writes itself down as its holder. What is not returned was lost.
UPDATE leases
SET expires_at = clock_timestamp() + %(lease)s::interval
WHERE leases.shard = ANY (%(shards)s::integer[])
  AND leases.holder = %(id)s
RETURNING leases.shard;

-- name: census
-- How many engines live, how many shards there are, and for how long the server runs.
SELECT (SELECT count(*) FROM engines WHERE expires_at > clock_timestamp()),
       (SELECT count(*) FROM leases),
       clock_timestamp() - pg_postmaster_start_time();

-- name: acquire
-- Take shards that nobody holds. The epoch is bumped, which waits for the old holder's
-- commit in flight; whatever that holder writes later meets the fence. The least recently
-- taken come first: by their numbers, the high ones would wait for as long as low ones
-- change hands, as they do when engines are too busy to renew in time.
UPDATE leases
SET epoch = leases.epoch + 1,
    holder = %(id)s,
    pid = %(pid)s,
    expires_at = clock_timestamp() + %(lease)s::interval,
    taken_at = clock_timestamp()
WHERE leases.shard = ANY (ARRAY(
    SELECT free.shard
    FROM leases AS free
    WHERE free.holder IS NULL
       OR (%(may_steal)s AND free.expires_at < clock_timestamp())
    ORDER BY free.taken_at, free.shard
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
))
RETURNING leases.shard, leases.epoch;

-- name: release
-- Give shards up for anybody.
UPDATE leases
SET holder = NULL,
    pid = NULL,
    expires_at = 'epoch'
WHERE leases.shard = ANY (%(shards)s::integer[])
  AND leases.holder = %(id)s;

-- name: holders_here
-- The engines of one host that hold leases, to find those whose process is dead.
SELECT engines.id, engines.pid
FROM engines
WHERE engines.host = %(host)s
  AND engines.id <> %(id)s
  AND engines.id IN (SELECT leases.holder FROM leases);

-- name: expire
-- Declare the leases of a process that is known to be dead expired.
UPDATE leases
SET expires_at = 'epoch',
    holder = NULL,
    pid = NULL
WHERE leases.holder = %(id)s;

-- name: forget_engine
-- Take an engine out of the count.
DELETE FROM engines WHERE id = %(id)s;
