-- name: start
-- Start executions: row, first event and inbox row are one statement; a row that is not
-- returned met an execution of the same ARN and generation, and wrote nothing.
WITH wanted AS (
    SELECT *
    FROM unnest(
        %(execution_ids)s::uuid[], %(revision_ids)s::uuid[],
        %(start_dates)s::timestamptz[], %(shards)s::integer[],
        %(generations)s::integer[], %(item_counts)s::integer[], %(arns)s::text[],
        %(names)s::text[], %(machine_arns)s::text[], %(version_arns)s::text[],
        %(alias_arns)s::text[], %(map_run_arns)s::text[], %(trace_headers)s::text[],
        %(datas)s::text[], %(details)s::text[], %(memos)s::text[]
    ) AS wanted (
        execution_id, revision_id, start_date, shard, generation, item_count, arn, name,
        state_machine_arn, version_arn, alias_arn, map_run_arn, trace_header, data,
        details, memo
    )
), started AS (
    INSERT INTO execution_records (
        execution_id, revision_id, start_date, shard, generation, arn, name,
        state_machine_arn, status, version_arn, alias_arn, map_run_arn, trace_header,
        item_count
    )
    SELECT execution_id, revision_id, start_date, shard, generation, arn, name,
           state_machine_arn, 'RUNNING', version_arn, alias_arn, map_run_arn,
           trace_header, item_count
    FROM wanted
    -- Retention may have deleted the first use of a name that is in use again.
    WHERE NOT EXISTS (
        SELECT FROM execution_records AS newer
        WHERE newer.shard = wanted.shard
          AND newer.arn = wanted.arn
          AND newer.generation > wanted.generation
    )
    ON CONFLICT DO NOTHING
    RETURNING execution_id
), logged AS (
    INSERT INTO events (
        execution_id, time, shard, event_id, previous_id, type, data, details, memo
    )
    SELECT execution_id, start_date, shard, 1, 0, %(type)s, data, details, memo
    FROM wanted
    JOIN started USING (execution_id)
)
INSERT INTO inbox (execution_id, created_at, shard, kind, body)
SELECT execution_id, start_date, shard, 'start', '{}'
FROM wanted
JOIN started USING (execution_id)
RETURNING id, execution_id::text;

-- name: newest
-- The newest use of an ARN, with the input it was started with.
SELECT record.execution_id::text, record.generation, record.status, record.start_date,
       record.stop_date, first.data
FROM execution_records AS record
JOIN events AS first
    ON first.shard = record.shard
   AND first.execution_id = record.execution_id
   AND first.event_id = 1
WHERE record.shard = %(shard)s
  AND record.arn = %(arn)s
ORDER BY record.generation DESC
LIMIT 1;
