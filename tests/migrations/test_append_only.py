"""The log is append-only in the database, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors, sql

from storage import roles
from storage.database import connect

CHANGES: dict[str, LiteralString] = {
    "update": "UPDATE events SET memo = 'x'",
    "delete": "DELETE FROM events",
    "truncate": "TRUNCATE events",
    "upsert": "INSERT INTO events (shard, execution_id, event_id, previous_id, type, time)"
    " SELECT 0, gen_random_uuid(), 1, 0, 1, now()"
    " ON CONFLICT (shard, execution_id, event_id) DO UPDATE SET memo = 'x'",
}
APPEND: LiteralString = (
    "INSERT INTO events (shard, execution_id, event_id, previous_id, type, time) "
    "VALUES (0, gen_random_uuid(), 1, 0, 1, now())"
)


@pytest.fixture
def connection(fresh_database: str) -> Iterator[psycopg.Connection]:
    with connect(fresh_database, autocommit=True) as connection:
        connection.execute(APPEND)
        yield connection


def become(connection: psycopg.Connection, role: str) -> None:
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", ["superuser", roles.OWNER, roles.APP])
def test_no_change_of_the_log_is_possible(
    connection: psycopg.Connection, role: str, change: str
) -> None:
    if role != "superuser":
        become(connection, role)

    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(CHANGES[change])


@pytest.mark.parametrize("change", ["update", "truncate", "upsert"])
def test_retention_may_not_change_the_log_either(
    connection: psycopg.Connection, change: str
) -> None:
    become(connection, roles.RETENTION)

    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(CHANGES[change])


def test_retention_may_delete(connection: psycopg.Connection) -> None:
    become(connection, roles.RETENTION)

    assert connection.execute(CHANGES["delete"]).rowcount == 1


def test_the_application_may_append_and_read(connection: psycopg.Connection) -> None:
    become(connection, roles.APP)

    connection.execute(APPEND)

    row = connection.execute("SELECT count(*) FROM events").fetchone()
    assert row == (2,)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM execution_records",
        "DELETE FROM leases",
        "UPDATE settings SET value = '1'",
        "DROP TABLE events CASCADE",
        "ALTER TABLE events DISABLE TRIGGER events_append_only",
    ],
)
def test_the_application_may_not(
    connection: psycopg.Connection, statement: LiteralString
) -> None:
    become(connection, roles.APP)

    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


def test_the_refusal_says_what_may_be_done(connection: psycopg.Connection) -> None:
    with pytest.raises(errors.InsufficientPrivilege) as refusal:
        connection.execute(CHANGES["delete"])

    assert "append-only: DELETE is refused" in str(refusal.value)
    assert "stepwell_retention" in (refusal.value.diag.message_hint or "")


def test_the_retention_setting_is_no_way_round_the_role(
    connection: psycopg.Connection,
) -> None:
    connection.execute("SET stepwell.retention = 'on'")

    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(CHANGES["delete"])
