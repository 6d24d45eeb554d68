-- Who may use the API: access keys, each with its policy and its encrypted secret.

-- name: insert
-- A new key.
INSERT INTO access_keys (key_id, created_at, name, preset, policy, secret)
VALUES (%(key_id)s, clock_timestamp(), %(name)s, %(preset)s, %(policy)s, %(secret)s);

-- name: active
-- Those of some keys that may be used.
SELECT key_id, name, preset, policy, secret
FROM access_keys
WHERE key_id = ANY (%(key_ids)s)
  AND disabled_at IS NULL;

-- name: all
-- Every key, the newest last.
SELECT key_id, name, preset, policy, created_at, disabled_at, secret
FROM access_keys
ORDER BY created_at, key_id;

-- name: change
-- Let a key do something else.
UPDATE access_keys
SET preset = %(preset)s,
    policy = %(policy)s
WHERE key_id = %(key_id)s;

-- name: disable
-- Let a key not be used any more; it stays in the list.
UPDATE access_keys
SET disabled_at = coalesce(disabled_at, clock_timestamp())
WHERE key_id = %(key_id)s;

-- name: lock_secrets
-- The secrets that may be used, held until they have been written again. The others are
-- not: nobody needs them, and their master key may be lost.
SELECT key_id, secret
FROM access_keys
WHERE disabled_at IS NULL
ORDER BY key_id
FOR UPDATE;

-- name: replace_secret
-- The same secret, encrypted under another master key.
UPDATE access_keys
SET secret = %(secret)s
WHERE key_id = %(key_id)s;
