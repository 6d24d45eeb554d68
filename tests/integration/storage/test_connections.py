"""The pool's sessions: who they are, and how they read time."""

from __future__ import annotations

from datetime import UTC

from storage import roles
from storage.connections import connection_pool, may_become


async def test_a_session_works_as_the_application_in_utc(database_url: str) -> None:
    async with connection_pool(database_url) as pool, pool.connection() as connection:
        cursor = await connection.execute("SELECT current_user, now()")
        row = await cursor.fetchone()

    assert row is not None
    assert row[0] == roles.APP
    assert row[1].utcoffset() == UTC.utcoffset(None)


async def test_a_url_may_name_a_driver(database_url: str) -> None:
    url = database_url.replace("postgresql://", "postgresql+psycopg://")

    async with connection_pool(url) as pool, pool.connection() as connection:
        assert connection.autocommit


async def test_nobody_becomes_a_role_that_does_not_exist(database_url: str) -> None:
    async with connection_pool(database_url) as pool, pool.connection() as connection:
        assert await may_become(connection, roles.RETENTION)
        assert not await may_become(connection, "stepwell_no_such_role")
