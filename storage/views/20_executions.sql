-- One row per execution, with its input and its result. Every join is by primary key and
-- falls away where a query does not ask for what it brings.
CREATE OR REPLACE VIEW executions AS
SELECT
    r.arn AS execution,
    r.name,
    r.state_machine_arn AS machine,
    r.status,
    r.start_date,
    r.stop_date,
    r.stop_date - r.start_date AS duration,
    stepwell_masked(first.data, r.shard, r.execution_id) AS input,
    CASE
        WHEN r.status = 'SUCCEEDED'
        THEN stepwell_masked(
            coalesce(last.data, holder.data), r.shard, r.execution_id
        )
    END AS output,
    stepwell_masked(
        stepwell_json(last.details) ->> 'error', r.shard, r.execution_id
    ) AS error,
    stepwell_masked(
        stepwell_json(last.details) ->> 'cause', r.shard, r.execution_id
    ) AS cause,
    r.last_event_id AS events,
    r.redrive_count,
    r.redrive_date,
    r.version_arn AS version,
    r.alias_arn AS alias,
    r.trace_header,
    r.generation,
    r.revision_id,
    r.execution_id,
    r.shard,
    r.map_run_arn AS map_run,
    stepwell_caller(first.memo, 'name') AS caller,
    stepwell_caller(first.memo, 'key') AS caller_key
FROM execution_records AS r
LEFT JOIN events AS first
    ON first.shard = r.shard
    AND first.execution_id = r.execution_id
    AND first.event_id = 1
LEFT JOIN events AS last
    ON last.shard = r.shard
    AND last.execution_id = r.execution_id
    AND last.event_id = r.last_event_id
LEFT JOIN events AS holder
    ON holder.shard = r.shard
    AND holder.execution_id = r.execution_id
    AND holder.event_id = last.data_from;
