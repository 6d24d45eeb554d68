-- State machines and the revisions that their executions run.

-- name: describe
-- One machine as it is now, with the definition of its present revision.
SELECT
    m.arn, m.name, m.type, m.status, m.created_at, m.updated_at,
    m.revision_id, r.number, r.definition, r.role_arn,
    r.logging_configuration, r.tracing_configuration, r.encryption_configuration
FROM state_machines AS m
JOIN state_machine_revisions AS r ON r.revision_id = m.revision_id
WHERE m.arn = %(arn)s

-- name: lock
-- Hold a machine against other changes until the transaction ends. By itself: a statement
-- that waited for the lock would join the new row with the revisions of its old snapshot.
SELECT 1
FROM state_machines
WHERE arn = %(arn)s
FOR UPDATE

-- name: revision
-- One revision, also of a machine that is gone.
SELECT
    revision_id, number, state_machine_arn, definition, role_arn, created_at,
    logging_configuration, tracing_configuration, encryption_configuration
FROM state_machine_revisions
WHERE revision_id = %(revision_id)s

-- name: page
-- Machines in the order of their ARNs.
SELECT arn, name, type, created_at
FROM state_machines
WHERE arn > %(after)s
ORDER BY arn
LIMIT %(limit)s

-- name: count_machines
-- How many machines there are.
SELECT count(*) FROM state_machines

-- name: insert_revision
-- A new revision of a machine.
INSERT INTO state_machine_revisions (
    revision_id, number, state_machine_arn, definition, role_arn, created_at,
    logging_configuration, tracing_configuration, encryption_configuration
)
VALUES (
    %(revision_id)s, %(number)s, %(arn)s, %(definition)s, %(role_arn)s, %(now)s,
    %(logging_configuration)s, %(tracing_configuration)s, %(encryption_configuration)s
)

-- name: insert_machine
-- A new machine, unless one of that ARN exists.
INSERT INTO state_machines (
    arn, name, type, status, created_at, updated_at, revision_id, role_arn,
    logging_configuration, tracing_configuration, encryption_configuration
)
VALUES (
    %(arn)s, %(name)s, %(type)s, 'ACTIVE', %(now)s, %(now)s, %(revision_id)s,
    %(role_arn)s, %(logging_configuration)s, %(tracing_configuration)s,
    %(encryption_configuration)s
)
ON CONFLICT (arn) DO NOTHING

-- name: point_to_revision
-- Make a revision the present one.
UPDATE state_machines
SET
    revision_id = %(revision_id)s,
    role_arn = %(role_arn)s,
    logging_configuration = %(logging_configuration)s,
    tracing_configuration = %(tracing_configuration)s,
    encryption_configuration = %(encryption_configuration)s,
    updated_at = %(now)s
WHERE arn = %(arn)s

-- name: mark_deleting
-- Begin a deletion; a second request changes nothing.
UPDATE state_machines
SET status = 'DELETING', deleted_at = %(now)s
WHERE arn = %(arn)s
    AND status = 'ACTIVE'

-- name: deleting
-- Machines that are being deleted.
SELECT arn
FROM state_machines
WHERE status = 'DELETING'

-- name: finish_deletions
-- Forget machines that are being deleted and have no open execution any more, with their
-- tags; versions and aliases went when the deletion began.
WITH gone AS (
    DELETE FROM state_machines AS m
    WHERE m.status = 'DELETING'
        AND NOT EXISTS (
            SELECT
            FROM execution_records AS e
            WHERE e.state_machine_arn = m.arn
                AND e.status = 'RUNNING'
        )
    RETURNING m.arn
), untagged AS (
    DELETE FROM resource_tags
    WHERE resource_arn IN (SELECT arn FROM gone)
)
SELECT arn
FROM gone

-- name: orphaned_revisions
-- Revisions of machines that are gone (one of the same ARN that was created later is another
-- machine) to which no execution refers any more.
SELECT r.revision_id
FROM state_machine_revisions AS r
WHERE NOT EXISTS (
        SELECT
        FROM state_machines AS m
        WHERE m.arn = r.state_machine_arn
            AND m.created_at <= r.created_at
    )
    AND NOT EXISTS (
        SELECT
        FROM execution_records AS e
        WHERE e.state_machine_arn = r.state_machine_arn
            AND e.revision_id = r.revision_id
    )
    AND NOT EXISTS (
        SELECT
        FROM express_runs AS x
        WHERE x.revision_id = r.revision_id
    )
LIMIT %(bound)s

-- name: forget_revisions
-- Delete revisions that were found orphaned before and still are.
DELETE FROM state_machine_revisions AS r
WHERE r.revision_id = ANY (%(revision_ids)s)
    AND NOT EXISTS (
        SELECT
        FROM execution_records AS e
        WHERE e.state_machine_arn = r.state_machine_arn
            AND e.revision_id = r.revision_id
    )
    AND NOT EXISTS (
        SELECT
        FROM express_runs AS x
        WHERE x.revision_id = r.revision_id
    )
