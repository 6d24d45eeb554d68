"""The keys that sign tokens: encrypted where there is a master key, and always the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import pytest
from psycopg import Connection
from psycopg_pool import AsyncConnectionPool

from storage import connections
from storage.connections import connection_pool
from storage.database import connect
from storage.installation import read_installation
from storage.master_keys import MasterKeys
from storage.server_keys import ServerKeyError, ServerKeyRegister

OLD, NEW = MasterKeys([b"o" * 32]), MasterKeys([b"n" * 32])
BOTH = MasterKeys([b"n" * 32, b"o" * 32])


@pytest.fixture
async def pool(
    clean_database: str,
) -> AsyncIterator[AsyncConnectionPool[connections.Connection]]:
    async with connection_pool(clean_database, largest=4) as pool:
        yield pool


@pytest.fixture
def connection(clean_database: str) -> Iterator[Connection]:
    with connect(clean_database, autocommit=True) as connection:
        yield connection


def plain(connection: Connection) -> list[bytes | None]:
    rows = connection.execute("SELECT secret FROM server_keys ORDER BY key_id")
    return [row[0] for row in rows]


def engine(connection: Connection, *master_keys: str, capabilities: str = "") -> None:
    """Let an engine live that has some master keys."""
    connection.execute(
        "INSERT INTO engines (id, started_at, expires_at, pid, host, capabilities)"
        " VALUES ('e', now(), now() + interval '1 hour', 7, 'h:b:n', %s)",
        [capabilities or json.dumps({"master_keys": master_keys})],
    )


async def test_without_a_master_key_they_stay_plain(
    pool: AsyncConnectionPool[connections.Connection], connection: Connection
) -> None:
    facts = await read_installation(pool.connection)

    assert [*facts.keys.values()] == plain(connection)


async def test_a_start_with_a_master_key_encrypts_them_and_changes_none(
    pool: AsyncConnectionPool[connections.Connection], connection: Connection
) -> None:
    before = await read_installation(pool.connection)

    after = await read_installation(pool.connection, OLD)

    row = connection.execute("SELECT server_keys::text FROM server_keys").fetchall()
    assert after == before
    assert plain(connection) == [None]
    assert before.keys[1].hex() not in row[0][0]


async def test_processes_that_start_at_once_read_the_same(
    pool: AsyncConnectionPool[connections.Connection],
) -> None:
    before = await read_installation(pool.connection)

    starts = (read_installation(pool.connection, OLD) for _ in range(8))

    assert await asyncio.gather(*starts) == [before] * 8


@pytest.mark.parametrize("capabilities", ["{}", '{"master_keys": ["0123"]}'])
async def test_they_stay_plain_while_an_engine_lives_that_could_not_read_them(
    pool: AsyncConnectionPool[connections.Connection],
    connection: Connection,
    capabilities: str,
) -> None:
    engine(connection, capabilities=capabilities)
    facts = await read_installation(pool.connection, OLD)
    left = plain(connection)
    connection.execute("UPDATE engines SET expires_at = 'epoch'")

    again = await read_installation(pool.connection, OLD)

    assert left == [*facts.keys.values()]
    assert (again, plain(connection)) == (facts, [None])


async def test_an_engine_with_the_master_key_is_in_nobodys_way(
    pool: AsyncConnectionPool[connections.Connection], connection: Connection
) -> None:
    engine(connection, *BOTH.ids)

    await read_installation(pool.connection, OLD)

    assert plain(connection) == [None]


@pytest.mark.parametrize("masters", [None, NEW])
async def test_a_missing_master_key_is_named(
    pool: AsyncConnectionPool[connections.Connection], masters: MasterKeys | None
) -> None:
    await read_installation(pool.connection, OLD)

    with pytest.raises(ServerKeyError, match=f"under master key {OLD}, and"):
        await read_installation(pool.connection, masters)


async def test_they_go_with_the_rotation_of_the_master_key(
    pool: AsyncConnectionPool[connections.Connection], connection: Connection
) -> None:
    before = await read_installation(pool.connection, OLD)

    counts = [ServerKeyRegister(connection).rotate(BOTH) for _ in range(2)]

    assert counts == [1, 0]
    assert await read_installation(pool.connection, NEW) == before


def test_a_rotation_waits_for_every_server_to_have_the_new_key(
    connection: Connection,
) -> None:
    engine(connection, *OLD.ids)

    with pytest.raises(ServerKeyError, match=f"engine 7 on h has not master key {NEW}"):
        ServerKeyRegister(connection).require_all_ready(BOTH)


async def test_they_are_plain_again_when_asked_for(
    pool: AsyncConnectionPool[connections.Connection], connection: Connection
) -> None:
    before = await read_installation(pool.connection, OLD)

    ServerKeyRegister(connection).unseal(OLD)

    assert await read_installation(pool.connection) == before


async def test_a_new_key_signs_and_the_old_one_still_verifies(
    pool: AsyncConnectionPool[connections.Connection], connection: Connection
) -> None:
    before = await read_installation(pool.connection, OLD)

    ServerKeyRegister(connection).renew(OLD)

    after = await read_installation(pool.connection, OLD)
    assert (max(after.keys), after.keys[1]) == (2, before.keys[1])
    assert after.keys[2] != after.keys[1]


async def test_what_cannot_be_read_is_replaced_only_when_it_is_said_to_be_lost(
    pool: AsyncConnectionPool[connections.Connection], connection: Connection
) -> None:
    await read_installation(pool.connection, OLD)
    register = ServerKeyRegister(connection)

    with pytest.raises(ServerKeyError, match="keys renew --lost"):
        register.renew(NEW)
    lost = register.replace_lost(NEW)

    assert lost == 1
    assert list((await read_installation(pool.connection, NEW)).keys) == [2]


async def test_every_key_can_be_retired_for_a_new_one(
    pool: AsyncConnectionPool[connections.Connection], connection: Connection
) -> None:
    register = ServerKeyRegister(connection)
    register.renew(None)

    retired = register.replace_all(None)

    assert retired == 2
    assert list((await read_installation(pool.connection)).keys) == [3]


@pytest.mark.parametrize(
    ("function", "worker", "is_in_hand"),
    [
        ("greet", "session", True),
        ("greet", None, False),
        (None, "session", False),
        ("arn:aws:states:us-east-1:123456789012:activity:ask", "somebody", False),
    ],
)
def test_an_attempt_that_a_worker_has_keeps_its_key(
    connection: Connection, function: str | None, worker: str | None, is_in_hand: bool
) -> None:
    connection.execute(
        "INSERT INTO tasks (execution_id, created_at, shard, event_id, function, worker)"
        " VALUES (gen_random_uuid(), now(), 1, 3, %s, %s)",
        [function, worker],
    )
    register = ServerKeyRegister(connection)

    if is_in_hand:
        with pytest.raises(ServerKeyError, match=r"attempts in hand \(1\)"):
            register.require_nothing_in_hand()
    else:
        register.require_nothing_in_hand()


def test_no_new_key_is_made_while_a_server_runs(connection: Connection) -> None:
    engine(connection, *OLD.ids)

    with pytest.raises(ServerKeyError, match="stop every server first"):
        ServerKeyRegister(connection).renew(OLD)
