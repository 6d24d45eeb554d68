-- What the whole installation has open, for whoever watches it. Every process reads the same.

-- name: open_executions
-- How many Standard executions are running, counted in the index of the listings.
SELECT coalesce(sum(running.count), 0)
FROM state_machines AS machines,
    LATERAL (
        SELECT count(*)
        FROM execution_records AS records
        WHERE records.state_machine_arn = machines.arn
          AND records.status = 'RUNNING'
    ) AS running;

-- name: waiting_tasks
-- Functions that tasks wait for: how many wait, and for how many seconds the first has.
SELECT function,
       count(*),
       extract(epoch FROM %(now)s - min(created_at))::double precision
FROM tasks
WHERE function IS NOT NULL
  AND worker IS NULL
GROUP BY function
ORDER BY min(created_at)
LIMIT %(most)s;

-- name: queues
-- Stimuli that no engine has taken, the age of the oldest in seconds, what is set aside, and
-- Express executions that were accepted and have not ended.
SELECT waiting.count,
       waiting.oldest,
       (SELECT count(*) FROM quarantine),
       (SELECT count(*) FROM express_runs)
FROM (
    SELECT count(*),
           coalesce(
               extract(epoch FROM %(now)s - min(created_at)), 0
           )::double precision AS oldest
    FROM inbox
    WHERE consumed_at IS NULL
) AS waiting;
