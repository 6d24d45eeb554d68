"""What an installation says of itself: its shards, its keys, and who holds what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from storage.connections import Connection, Connections
from storage.errors import StorageError
from storage.master_keys import MasterKeys
from storage.server_keys import read_server_keys
from storage.statements import statements

_SQL: Final = statements("installation")
_LEASES: Final = statements("leases")


class NotMigratedError(StorageError):
    """The database has no installation; `stepwell migrate` makes one."""


@dataclass(frozen=True, slots=True)
class InstallationFacts:
    """How many shards there are, and the keys that sign tokens, by id."""

    shards: int
    keys: Mapping[int, bytes]


async def read_installation(
    connections: Connections, masters: MasterKeys | None = None
) -> InstallationFacts:
    """Read what must be known before an engine is made."""
    async with connections() as connection:
        shards = await (await connection.execute(_SQL["shards"])).fetchone()
        keys = await read_server_keys(connection, masters)
    if shards is None or not keys:
        raise NotMigratedError("this database is empty: run `stepwell migrate`")
    return InstallationFacts(shards[0], keys)


async def count_unheld(connection: Connection) -> int:
    """Count the shards that no engine holds now."""
    row = await (await connection.execute(_SQL["unheld"])).fetchone()
    assert row is not None, "a count is one row"
    unheld: int = row[0]
    return unheld


def free_leases_of(connection: psycopg.Connection[Any], host: str, pid: int) -> int:
    """Free what the engines of a process held that is known to be dead; count them."""
    parameters = {"host": host, "pid": pid}
    engines = connection.execute(_SQL["engine_of_process"], parameters).fetchall()
    for (engine_id,) in engines:
        connection.execute(_LEASES["expire"], {"id": engine_id})
        connection.execute(_LEASES["forget_engine"], {"id": engine_id})
    return len(engines)
