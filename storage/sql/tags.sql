-- Tags of machines and activities.

-- name: of_resource
-- All tags of a resource.
SELECT key, value
FROM resource_tags
WHERE resource_arn = %(arn)s
ORDER BY key

-- name: exists
-- Whether a resource that can have tags is there.
SELECT EXISTS (SELECT FROM state_machines WHERE arn = %(arn)s)
    OR EXISTS (SELECT FROM activities WHERE arn = %(arn)s)

-- name: lock_machine
-- Let nobody else tag a machine until the transaction ends.
SELECT 1
FROM state_machines
WHERE arn = %(arn)s
FOR UPDATE

-- name: lock_activity
-- The same for an activity.
SELECT 1
FROM activities
WHERE arn = %(arn)s
FOR UPDATE

-- name: put
-- Set tags; a key that is there gets the new value.
INSERT INTO resource_tags (resource_arn, key, value)
SELECT %(arn)s, given.key, given.value
FROM unnest(%(keys)s::text[], %(values)s::text[]) AS given (key, value)
ON CONFLICT (resource_arn, key) DO UPDATE SET value = EXCLUDED.value

-- name: count
-- How many tags a resource has.
SELECT count(*)
FROM resource_tags
WHERE resource_arn = %(arn)s

-- name: remove
-- Remove tags by key.
DELETE FROM resource_tags
WHERE resource_arn = %(arn)s
    AND key = ANY(%(keys)s::text[])

-- name: remove_all
-- Forget the tags of a resource that is gone.
DELETE FROM resource_tags
WHERE resource_arn = %(arn)s
