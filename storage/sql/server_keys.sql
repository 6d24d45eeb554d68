-- The keys that sign task tokens and page tokens, plain or encrypted.

-- name: in_use
-- The keys that sign and verify tokens.
SELECT key_id, secret, sealed
FROM server_keys
WHERE retired_at IS NULL
ORDER BY key_id;

-- name: lock
-- The same, held until they have been written again.
SELECT key_id, secret, sealed
FROM server_keys
WHERE retired_at IS NULL
ORDER BY key_id
FOR UPDATE;

-- name: engines_without
-- The engines that live and have not said that they have a master key.
SELECT pid, split_part(host, ':', 1)
FROM engines
WHERE expires_at > clock_timestamp()
  AND NOT coalesce(capabilities::jsonb -> 'master_keys' ? %(master_key)s, false)
ORDER BY started_at;

-- name: master_keys
-- The engines that live, and which master keys those have that have any.
SELECT pid, split_part(host, ':', 1), capabilities -> 'master_keys'
FROM engines
WHERE expires_at > clock_timestamp()
  AND json_array_length(coalesce(capabilities -> 'master_keys', '[]')) > 0
ORDER BY started_at;

-- name: living
-- How many engines live.
SELECT count(*) FROM engines WHERE expires_at > clock_timestamp();

-- name: in_hand
-- How many attempts workers have, or may have; activities' pollers are no workers.
SELECT count(*)
FROM tasks
WHERE worker IS NOT NULL
  AND left(function, 4) <> 'arn:';

-- name: write
-- A key in another form.
UPDATE server_keys
SET secret = %(secret)s,
    sealed = %(sealed)s
WHERE key_id = %(key_id)s;

-- name: retire
-- Let a key neither sign nor verify any more.
UPDATE server_keys
SET retired_at = clock_timestamp()
WHERE key_id = %(key_id)s;

-- name: highest
-- The highest number that any key has had.
SELECT coalesce(max(key_id), 0) FROM server_keys;

-- name: insert
-- A new key.
INSERT INTO server_keys (key_id, created_at, secret, sealed)
VALUES (%(key_id)s, clock_timestamp(), %(secret)s, %(sealed)s);
