"""Every revision leads to the schema that storage/schema describes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import Connection

from storage.database import connect
from storage.schema import metadata
from storage.upgrading import engine_for

# What the library's own comparison does not look at: collations, column order, checks,
# storage parameters, index definitions, comments.
CATALOGUE = {
    "columns": """
        SELECT c.relname, a.attname, row_number() OVER w, format_type(a.atttypid, -1),
            a.attnotnull, a.attidentity, co.collname, pg_get_expr(d.adbin, d.adrelid),
            col_description(c.oid, a.attnum)
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        LEFT JOIN pg_collation co ON co.oid = a.attcollation
        WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
            AND c.relname <> 'alembic_version' AND NOT a.attisdropped
        WINDOW w AS (PARTITION BY c.oid ORDER BY a.attnum)
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint
        WHERE connamespace = current_schema()::regnamespace
            AND conrelid <> coalesce(to_regclass('alembic_version'), 0)
            AND contype <> 'n'
    """,
    "indexes": """
        SELECT indexname, indexdef FROM pg_indexes
        WHERE schemaname = current_schema() AND tablename <> 'alembic_version'
    """,
    "tables": """
        SELECT relname, reloptions, obj_description(oid)
        FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
            AND relname <> 'alembic_version'
    """,
}


def test_migrations_lead_to_the_described_metadata(fresh_database: str) -> None:
    with engine_for(fresh_database).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True},
        )
        differences = compare_metadata(context, metadata)

    assert differences == []


@pytest.mark.parametrize("part", CATALOGUE)
def test_migrations_lead_to_the_described_catalogue(
    part: str, fresh_database: str, empty_database: str
) -> None:
    with engine_for(empty_database).begin() as connection:
        metadata.create_all(connection)

    with connect(fresh_database) as migrated, connect(empty_database) as described:
        assert rows(migrated, part) == rows(described, part)


def test_every_table_says_what_it_is_for() -> None:
    assert [table.name for table in metadata.tables.values() if not table.comment] == []


def test_hot_tables_are_keyed_by_shard_first() -> None:
    hot = ("execution_records", "events", "timers", "tasks", "inbox", "quarantine")

    first = {name: metadata.tables[name].primary_key.columns[0].name for name in hot}

    assert set(first.values()) == {"shard"}


def rows(connection: Connection, part: str) -> list[tuple[object, ...]]:
    found: Iterable[tuple[object, ...]] = connection.execute(CATALOGUE[part].encode())
    return sorted(found, key=repr)
