-- Aliases of state machines: names that lead to one or two versions, by weight.

-- name: get
-- One alias.
SELECT arn, state_machine_arn, name, description, routing, created_at, updated_at
FROM state_machine_aliases
WHERE arn = %(arn)s

-- name: count
-- How many aliases a machine has.
SELECT count(*)
FROM state_machine_aliases
WHERE state_machine_arn = %(state_machine_arn)s

-- name: insert
-- A new alias, unless one of that ARN exists.
INSERT INTO state_machine_aliases (
    arn, state_machine_arn, name, description, routing, created_at, updated_at
)
VALUES (
    %(arn)s, %(state_machine_arn)s, %(name)s, %(description)s, %(routing)s,
    %(now)s, %(now)s
)
ON CONFLICT (arn) DO NOTHING

-- name: update
-- Change an alias.
UPDATE state_machine_aliases
SET
    description = %(description)s,
    routing = %(routing)s,
    updated_at = %(now)s
WHERE arn = %(arn)s

-- name: page
-- A machine's aliases by name; of one version, where that is given.
SELECT arn, state_machine_arn, name, description, routing, created_at, updated_at
FROM state_machine_aliases
WHERE state_machine_arn = %(state_machine_arn)s
    AND name > %(after)s
    AND (%(number)s::text IS NULL OR routing ->> %(number)s::text IS NOT NULL)
ORDER BY name
LIMIT %(limit)s

-- name: delete
-- Forget an alias.
DELETE FROM state_machine_aliases
WHERE arn = %(arn)s

-- name: delete_all
-- Forget all aliases of a machine.
DELETE FROM state_machine_aliases
WHERE state_machine_arn = %(state_machine_arn)s
