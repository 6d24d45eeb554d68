"""Versions of a machine: revisions published under a number that is never used again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from runtime.limits import MAX_VERSIONS_PER_MACHINE
from storage.connections import Connection, Connections
from storage.errors import StorageError
from storage.statements import statements

_SQL: Final = statements("versions")
_MACHINES: Final = statements("machines")
_BEYOND: Final = 2**31 - 1


class TooManyVersionsError(StorageError):
    """The machine has as many versions as it may. Its argument is the machine's ARN."""


class VersionInUseError(StorageError):
    """Aliases lead to the version. Its argument is the list of their names."""


@dataclass(frozen=True, slots=True)
class Publication:
    """The wish to publish a revision, of a machine that may have so many versions."""

    description: str | None = None
    most: int = MAX_VERSIONS_PER_MACHINE


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """One version."""

    number: int
    revision_id: UUID
    description: str | None
    created_at: datetime


def version_arn(machine_arn: str, number: int) -> str:
    """Return the ARN of a version."""
    return f"{machine_arn}:{number}"


async def publish_revision(
    connection: Connection,
    machine_arn: str,
    revision_id: UUID,
    publication: Publication,
    now: datetime,
) -> VersionRecord:
    """Make a revision a version, or return the version that it is; the machine is locked."""
    key = {"arn": machine_arn, "revision_id": revision_id}
    existing = await version_of(connection, machine_arn, revision_id)
    if existing is not None:
        return existing
    if await _scalar(connection, "count", key) >= publication.most:
        raise TooManyVersionsError(machine_arn)
    version = VersionRecord(
        number=await _scalar(connection, "next_number", key),
        revision_id=revision_id,
        description=publication.description,
        created_at=now,
    )
    await connection.execute(
        _SQL["insert"],
        key
        | {"number": version.number, "now": now}
        | {"description": version.description},
    )
    return version


async def version_of(
    connection: Connection, machine_arn: str, revision_id: UUID
) -> VersionRecord | None:
    """Return the newest version of a revision."""
    key: dict[str, object] = {"arn": machine_arn, "revision_id": revision_id}
    return await _fetch(connection, "of_revision", key)


async def _fetch(
    connection: Connection, statement: str, parameters: dict[str, object]
) -> VersionRecord | None:
    async with connection.cursor(row_factory=class_row(VersionRecord)) as cursor:
        await cursor.execute(_SQL[statement], parameters)
        return await cursor.fetchone()


async def _scalar(
    connection: Connection, statement: str, parameters: dict[str, object]
) -> int:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(_SQL[statement], parameters)
        value = await cursor.fetchone()
    assert isinstance(value, int), "the machine is there and locked"
    return value


class Versions:
    """The versions of all machines."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def get(self, machine_arn: str, number: int) -> VersionRecord | None:
        """Return one version."""
        async with self._connections() as connection:
            key: dict[str, object] = {"arn": machine_arn, "number": number}
            return await _fetch(connection, "get", key)

    async def page(
        self, machine_arn: str, *, before: int = _BEYOND, limit: int = 100
    ) -> list[VersionRecord]:
        """Return a machine's versions with lower numbers, the newest first."""
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(VersionRecord)) as cursor,
        ):
            await cursor.execute(
                _SQL["page"], {"arn": machine_arn, "before": before, "limit": limit}
            )
            return await cursor.fetchall()

    async def delete(self, machine_arn: str, number: int) -> None:
        """Forget a version that no alias leads to; one that is not there is forgotten."""
        key = {"arn": machine_arn, "number": number}
        async with self._connections() as connection, connection.transaction():
            await connection.execute(_MACHINES["lock"], key)
            cursor = await connection.execute(_SQL["aliases_of"], key)
            names = [row[0] for row in await cursor.fetchall()]
            if names:
                raise VersionInUseError(names)
            await connection.execute(_SQL["delete"], key)
