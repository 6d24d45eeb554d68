-- Versions of state machines: revisions that were published under a number.

-- name: of_revision
-- The newest version of a revision.
SELECT number, revision_id, description, created_at
FROM state_machine_versions
WHERE state_machine_arn = %(arn)s
    AND revision_id = %(revision_id)s
ORDER BY number DESC
LIMIT 1

-- name: count
-- How many versions a machine has.
SELECT count(*)
FROM state_machine_versions
WHERE state_machine_arn = %(arn)s

-- name: next_number
-- Take the next number of a machine, which its row's lock protects.
UPDATE state_machines
SET last_version = last_version + 1
WHERE arn = %(arn)s
RETURNING last_version

-- name: insert
-- A new version.
INSERT INTO state_machine_versions (
    state_machine_arn, number, revision_id, description, created_at
)
VALUES (%(arn)s, %(number)s, %(revision_id)s, %(description)s, %(now)s)

-- name: get
-- One version.
SELECT number, revision_id, description, created_at
FROM state_machine_versions
WHERE state_machine_arn = %(arn)s
    AND number = %(number)s

-- name: page
-- A machine's versions, the newest first.
SELECT number, revision_id, description, created_at
FROM state_machine_versions
WHERE state_machine_arn = %(arn)s
    AND number < %(before)s
ORDER BY number DESC
LIMIT %(limit)s

-- name: delete
-- Forget a version.
DELETE FROM state_machine_versions
WHERE state_machine_arn = %(arn)s
    AND number = %(number)s

-- name: delete_all
-- Forget all versions of a machine.
DELETE FROM state_machine_versions
WHERE state_machine_arn = %(arn)s

-- name: aliases_of
-- The names of the aliases that lead to a version.
SELECT name
FROM state_machine_aliases
WHERE state_machine_arn = %(arn)s
    AND routing ->> %(number)s::text IS NOT NULL
ORDER BY name
