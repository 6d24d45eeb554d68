"""Activities: names under which workers outside ask for tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row
from psycopg.types.json import Json

from runtime.limits import MAX_ACTIVITIES
from storage.connections import Connection, Connections
from storage.errors import StorageError
from storage.statements import statements
from storage.tags import insert_tags

_SQL: Final = statements("activities")
_TAGS: Final = statements("tags")


class ActivityExistsError(StorageError):
    """An activity of that ARN exists and is another one. Its argument is the ARN."""


class TooManyActivitiesError(StorageError):
    """There would be more activities than there may. Its argument is the ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRecord:
    """One activity."""

    arn: str
    name: str
    created_at: datetime
    encryption_configuration: Mapping[str, Any] | None


class Activities:
    """The activities of an installation."""

    def __init__(self, connections: Connections, most: int = MAX_ACTIVITIES) -> None:
        self._connections = connections
        self._most = most

    async def create(
        self,
        arn: str,
        encryption: Mapping[str, Any],
        tags: Mapping[str, str],
        now: datetime,
    ) -> ActivityRecord:
        """Make an activity with tags, or return the same one; then the tags stay."""
        async with self._connections() as connection, connection.transaction():
            cursor = await connection.execute(
                _SQL["insert"],
                {"arn": arn, "name": arn.rpartition(":")[2], "now": now}
                | {"encryption_configuration": Json(encryption)},
            )
            if cursor.rowcount:
                await self._check_count(connection, arn)
            if cursor.rowcount and tags:
                await insert_tags(connection, arn, tags)
            activity = await _fetch(connection, arn)
        if activity is None or activity.encryption_configuration != encryption:
            raise ActivityExistsError(arn)
        return activity

    async def _check_count(self, connection: Connection, arn: str) -> None:
        row = await (await connection.execute(_SQL["count"])).fetchone()
        assert row is not None, "a count has a row"
        if row[0] > self._most:
            raise TooManyActivitiesError(arn)

    async def get(self, arn: str) -> ActivityRecord | None:
        """Return one activity."""
        async with self._connections() as connection:
            return await _fetch(connection, arn)

    async def existing(self, arns: Sequence[str]) -> set[str]:
        """Return those of some ARNs whose activities exist."""
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["existing"], {"arns": list(arns)})
            return {row[0] for row in await cursor.fetchall()}

    async def page(self, *, after: str = "", limit: int = 100) -> list[ActivityRecord]:
        """Return the activities whose ARN follows `after`, in the order of their ARNs."""
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(ActivityRecord)) as cursor,
        ):
            await cursor.execute(_SQL["page"], {"after": after, "limit": limit})
            return await cursor.fetchall()

    async def delete(self, arn: str) -> None:
        """Forget an activity with its tags; one that is not there is forgotten."""
        async with self._connections() as connection, connection.transaction():
            await connection.execute(_SQL["delete"], {"arn": arn})
            await connection.execute(_TAGS["remove_all"], {"arn": arn})


async def _fetch(connection: Connection, arn: str) -> ActivityRecord | None:
    async with connection.cursor(row_factory=class_row(ActivityRecord)) as cursor:
        await cursor.execute(_SQL["get"], {"arn": arn})
        return await cursor.fetchone()
