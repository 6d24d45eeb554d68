-- One row per run of a distributed Map: what bounds it, how far it is.
CREATE OR REPLACE VIEW map_run_progress AS
SELECT
    m.arn AS map_run,
    r.arn AS execution,
    r.state_machine_arn AS machine,
    m.status,
    m.start_date,
    m.stop_date,
    m.max_concurrency,
    m.tolerated_count,
    m.tolerated_percentage,
    m.items_total AS items,
    m.items_total - m.items_started AS items_pending,
    m.items_started - m.items_succeeded - m.items_failed - m.items_timed_out
        - m.items_aborted AS items_running,
    m.items_succeeded,
    m.items_failed,
    m.items_timed_out,
    m.items_aborted,
    m.children_started,
    m.redrive_count,
    m.redrive_date,
    r.name AS execution_name,
    m.event_id,
    r.generation,
    r.execution_id,
    r.shard
FROM map_runs AS m
JOIN execution_records AS r
    ON r.shard = m.shard
    AND r.execution_id = m.execution_id;
