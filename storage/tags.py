"""Tags of machines and activities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from runtime.limits import MAX_TAGS
from storage.connections import Connection, Connections
from storage.errors import StorageError
from storage.statements import statements

_SQL: Final = statements("tags")


class TooManyTagsError(StorageError):
    """The resource would have more tags than it may. Its argument is the ARN."""


class TaggedResourceMissingError(StorageError):
    """Nothing that can have tags has that ARN. Its argument is the ARN."""


class Tags:
    """The tags of all resources."""

    def __init__(self, connections: Connections, most: int = MAX_TAGS) -> None:
        self._connections = connections
        self._most = most

    async def put(self, arn: str, tags: Mapping[str, str]) -> None:
        """Set tags of a resource; those of other keys stay."""
        async with self._connections() as connection, connection.transaction():
            await _lock(connection, arn)
            await insert_tags(connection, arn, tags)
            cursor = await connection.execute(_SQL["count"], {"arn": arn})
            row = await cursor.fetchone()
            assert row is not None, "a count has a row"
            if row[0] > self._most:
                raise TooManyTagsError(arn)

    async def remove(self, arn: str, keys: Sequence[str]) -> None:
        """Remove tags; keys that are not there are removed."""
        async with self._connections() as connection, connection.transaction():
            await _lock(connection, arn)
            await connection.execute(_SQL["remove"], {"arn": arn, "keys": list(keys)})

    async def of(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource by key."""
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["exists"], {"arn": arn})
            row = await cursor.fetchone()
            if row is None or not row[0]:
                raise TaggedResourceMissingError(arn)
            cursor = await connection.execute(_SQL["of_resource"], {"arn": arn})
            return dict(await cursor.fetchall())


async def insert_tags(
    connection: Connection, arn: str, tags: Mapping[str, str]
) -> None:
    """Set tags of a resource that the caller holds or has just made."""
    await connection.execute(
        _SQL["put"], {"arn": arn, "keys": list(tags), "values": list(tags.values())}
    )


async def _lock(connection: Connection, arn: str) -> None:
    """Hold a resource until the transaction ends; it must be there."""
    for statement in ("lock_machine", "lock_activity"):
        cursor = await connection.execute(_SQL[statement], {"arn": arn})
        if await cursor.fetchone() is not None:
            return
    raise TaggedResourceMissingError(arn)
