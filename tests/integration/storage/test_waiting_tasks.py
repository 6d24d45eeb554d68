"""Tasks that wait for pollers are found by an index, however many others wait."""

from __future__ import annotations

import psycopg

from storage.database import connect
from storage.statements import statements

MANY = """
INSERT INTO tasks (execution_id, created_at, shard, event_id, function)
SELECT gen_random_uuid(), now(), number % 64, 2, 'activity:' || number % 100
FROM generate_series(1, 20000) AS number
"""


def plan(connection: psycopg.Connection, statement: bytes) -> str:
    """Return the plan of a statement that looks for one activity's tasks."""
    rows = connection.execute(
        b"EXPLAIN " + statement, {"functions": ["activity:7"], "most": 10}
    )
    return "\n".join(row[0] for row in rows)


def test_waiting_tasks_are_found_by_their_index(clean_database: str) -> None:
    with connect(clean_database, autocommit=True) as connection:
        connection.execute(MANY)
        connection.execute("ANALYZE tasks")

        assert "tasks_waiting" in plan(connection, statements("workers")["waiting"])
