"""The database fixtures that every other database test stands on."""

import psycopg
import pytest

from storage.database import connect
from storage.embedded import EmbeddedServer
from tests.support.databases import DatabaseServer


def count(url: str, table: str) -> int:
    with connect(url) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("attempt", [1, 2])
def test_rows_of_one_test_are_gone_in_the_next(
    clean_database: str, attempt: int
) -> None:
    assert count(clean_database, "quarantine") == 0

    with connect(clean_database) as connection:
        connection.execute(
            "INSERT INTO quarantine (shard, execution_id, reason, detail, created_at)"
            " VALUES (1, gen_random_uuid(), 'a', 'b', now())"
        )

    assert count(clean_database, "quarantine") == 1


@pytest.mark.parametrize("attempt", [1, 2])
def test_rows_of_the_migration_come_back(clean_database: str, attempt: int) -> None:
    assert count(clean_database, "leases") == 64

    with connect(clean_database) as connection:
        connection.execute("DELETE FROM leases")
        connection.execute("UPDATE settings SET value = 'x'")


@pytest.mark.parametrize("attempt", [1, 2])
def test_a_fresh_database_is_migrated(fresh_database: str, attempt: int) -> None:
    assert count(fresh_database, "leases") == 64

    with connect(fresh_database) as connection:
        connection.execute("DROP TABLE quarantine CASCADE")


def test_an_empty_database_has_no_tables(empty_database: str) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        count(empty_database, "leases")


def test_the_template_is_made_once(database_server: DatabaseServer) -> None:
    assert database_server.template() == database_server.template()


def test_a_server_to_be_killed_keeps_its_promises(
    durable_server: EmbeddedServer,
) -> None:
    with connect(durable_server.url) as connection:
        row = connection.execute(
            "SELECT current_setting('fsync'), current_setting('full_page_writes')"
        ).fetchone()

    assert row == ("on", "on")
