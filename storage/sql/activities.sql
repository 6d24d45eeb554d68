-- Activities that were created and not deleted.

-- name: insert
-- A new activity, unless one of that ARN exists.
INSERT INTO activities (arn, name, created_at, encryption_configuration)
VALUES (%(arn)s, %(name)s, %(now)s, %(encryption_configuration)s)
ON CONFLICT (arn) DO NOTHING

-- name: count
-- How many activities there are.
SELECT count(*) FROM activities

-- name: get
-- One activity.
SELECT arn, name, created_at, encryption_configuration
FROM activities
WHERE arn = %(arn)s

-- name: page
-- Activities in the order of their ARNs.
SELECT arn, name, created_at, encryption_configuration
FROM activities
WHERE arn > %(after)s
ORDER BY arn
LIMIT %(limit)s

-- name: delete
-- Forget an activity.
DELETE FROM activities
WHERE arn = %(arn)s

-- name: existing
-- Which of some activities there are.
SELECT arn
FROM activities
WHERE arn = ANY (%(arns)s)
