"""Roles where they may be created, and what is left where they may not."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import pytest
from psycopg import errors, sql

from storage import roles
from storage.database import connect
from storage.migrate import migrate
from storage.schema import metadata
from tests.support.databases import DatabaseServer


@pytest.fixture
def stranger(empty_database: str) -> Iterator[str]:
    """Yield the URL of a database whose owner may create no roles and is in none."""
    name = f"stepwell_test_login_{secrets.token_hex(6)}"
    database = urlsplit(empty_database).path[1:]
    with connect(empty_database, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(
                sql.Identifier(name)
            )
        )
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                sql.Identifier(database), sql.Identifier(name)
            )
        )
        connection.execute(
            sql.SQL("ALTER SCHEMA public OWNER TO {}").format(sql.Identifier(name))
        )
    parts = urlsplit(empty_database)
    host = parts.netloc.rpartition("@")[2]
    yield urlunsplit(parts._replace(netloc=f"{name}:secret@{host}"))
    with connect(empty_database, autocommit=True) as connection:
        connection.execute(
            sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(sql.Identifier(name))
        )
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def kept(url: str) -> dict[str, bool]:
    with connect(url) as connection:
        return {fact.fact: fact.enforced for fact in roles.enforcement(connection)}


def test_every_table_is_granted_and_handed_over() -> None:
    assert set(roles.APP_GRANTS) == {*metadata.tables, "alembic_version"}


def test_everything_but_the_superuser_is_enforced(fresh_database: str) -> None:
    facts = kept(fresh_database)

    broken = [fact for fact, enforced in facts.items() if not enforced]
    assert broken == ["the login is no superuser, who could switch the guard off"]


def test_a_disabled_guard_is_noticed(fresh_database: str) -> None:
    with connect(fresh_database) as connection:
        connection.execute("ALTER TABLE events DISABLE TRIGGER events_append_only")

    assert not kept(fresh_database)["the guard refuses changes of the log"]


def test_migrating_again_restores_a_grant_that_was_taken(fresh_database: str) -> None:
    with connect(fresh_database) as connection:
        connection.execute("REVOKE INSERT ON events FROM stepwell_app")
    broken = kept(fresh_database)

    migrate(fresh_database)

    fact = "engines work as stepwell_app, which may only read and append events"
    assert (broken[fact], kept(fresh_database)[fact]) == (False, True)


def test_a_login_without_rights_migrates_and_hears_what_is_missing(
    stranger: str, fresh_database: str
) -> None:
    report = migrate(stranger)

    facts = kept(stranger)
    assert report.changed
    assert any("join stepwell_app" in problem for problem in report.problems)
    assert facts["the guard refuses changes of the log"]
    assert not facts["only stepwell_retention may delete events"]


def test_roles_that_may_not_be_created_leave_a_migrated_database(
    stranger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = f"stepwell_absent_{secrets.token_hex(6)}"
    monkeypatch.setattr(roles, "ROLES", (f"{absent}_1", f"{absent}_2"))

    report = migrate(stranger)

    assert [problem for problem in report.problems if absent in problem] == [
        f"could not create {absent}_1: permission denied to create role",
        f"could not create {absent}_2: permission denied to create role",
    ]
    assert not migrate(stranger).changed


def test_without_roles_the_owner_deletes_only_after_saying_so(
    stranger: str, fresh_database: str
) -> None:
    migrate(stranger)

    with connect(stranger, autocommit=True) as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("DELETE FROM events")
        connection.execute("SET stepwell.retention = 'on'")
        assert connection.execute("DELETE FROM events").rowcount == 0
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("UPDATE events SET memo = ''")


def test_databases_of_one_cluster_migrate_at_once(
    database_server: DatabaseServer,
) -> None:
    with (
        database_server.empty() as first,
        database_server.empty() as second,
        ThreadPoolExecutor(2) as threads,
    ):
        reports = list(threads.map(migrate, [first, second]))

    assert [report.problems for report in reports] == [(), ()]
