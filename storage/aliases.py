"""Aliases of a machine: names that lead to one or two of its versions, by weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row
from psycopg.types.json import Json

from runtime.limits import MAX_ALIASES_PER_MACHINE
from storage.connections import Connection, Connections
from storage.errors import StorageError
from storage.statements import statements

_SQL: Final = statements("aliases")
_MACHINES: Final = statements("machines")
_VERSIONS: Final = statements("versions")


class AliasError(StorageError):
    """A request that the present aliases and versions do not allow."""


class AliasMissingError(AliasError):
    """There is no alias of that ARN. Its argument is the ARN."""


class AliasExistsError(AliasError):
    """An alias of that ARN exists and is another one. Its argument is the ARN."""


class AliasTargetMissingError(AliasError):
    """An alias cannot lead to a version that is not there. Its argument is the number."""


class TooManyAliasesError(AliasError):
    """The machine has as many aliases as it may. Its argument is the machine's ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasRecord:
    """One alias; `routing` is version numbers, as texts, to weights in percent."""

    arn: str
    state_machine_arn: str
    name: str
    description: str | None
    routing: Mapping[str, int]
    created_at: datetime
    updated_at: datetime


class Aliases:
    """The aliases of all machines."""

    def __init__(
        self, connections: Connections, most: int = MAX_ALIASES_PER_MACHINE
    ) -> None:
        self._connections = connections
        self._most = most

    async def create(
        self,
        machine_arn: str,
        name: str,
        description: str | None,
        routing: Mapping[str, int],
        now: datetime,
    ) -> AliasRecord:
        """Make an alias, or return the same one."""
        alias = AliasRecord(
            arn=f"{machine_arn}:{name}",
            state_machine_arn=machine_arn,
            name=name,
            description=description,
            routing=routing,
            created_at=now,
            updated_at=now,
        )
        async with self._connections() as connection, connection.transaction():
            await connection.execute(_MACHINES["lock"], {"arn": machine_arn})
            existing = await _fetch(connection, alias.arn)
            if existing is not None:
                return _same(existing, alias)
            await _check_targets(connection, alias)
            await _check_count(connection, machine_arn, self._most)
            await connection.execute(_SQL["insert"], _parameters(alias, now))
        return alias

    async def update(
        self,
        arn: str,
        description: str | None,
        routing: Mapping[str, int] | None,
        now: datetime,
    ) -> None:
        """Change what is given of an alias."""
        machine_arn = arn.rpartition(":")[0]
        async with self._connections() as connection, connection.transaction():
            await connection.execute(_MACHINES["lock"], {"arn": machine_arn})
            existing = await _fetch(connection, arn)
            if existing is None:
                raise AliasMissingError(arn)
            alias = AliasRecord(
                arn=arn,
                state_machine_arn=machine_arn,
                name=existing.name,
                description=existing.description
                if description is None
                else description,
                routing=existing.routing if routing is None else routing,
                created_at=existing.created_at,
                updated_at=now,
            )
            await _check_targets(connection, alias)
            await connection.execute(_SQL["update"], _parameters(alias, now))

    async def get(self, arn: str) -> AliasRecord | None:
        """Return one alias."""
        async with self._connections() as connection:
            return await _fetch(connection, arn)

    async def page(
        self,
        machine_arn: str,
        *,
        version: int | None = None,
        after: str = "",
        limit: int = 100,
    ) -> list[AliasRecord]:
        """Return a machine's aliases by name; only those to a version, where one is given."""
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(AliasRecord)) as cursor,
        ):
            await cursor.execute(
                _SQL["page"],
                {
                    "state_machine_arn": machine_arn,
                    "number": None if version is None else str(version),
                    "after": after,
                    "limit": limit,
                },
            )
            return await cursor.fetchall()

    async def delete(self, arn: str) -> bool:
        """Forget an alias; tell whether it was there."""
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["delete"], {"arn": arn})
            return cursor.rowcount > 0


def _same(existing: AliasRecord, wanted: AliasRecord) -> AliasRecord:
    if (existing.description, existing.routing) != (wanted.description, wanted.routing):
        raise AliasExistsError(existing.arn)
    return existing


async def _check_targets(connection: Connection, alias: AliasRecord) -> None:
    for number in alias.routing:
        cursor = await connection.execute(
            _VERSIONS["get"],
            {"arn": alias.state_machine_arn, "number": int(number)},
        )
        if await cursor.fetchone() is None:
            raise AliasTargetMissingError(number)


async def _check_count(connection: Connection, machine_arn: str, most: int) -> None:
    cursor = await connection.execute(_SQL["count"], {"state_machine_arn": machine_arn})
    row = await cursor.fetchone()
    assert row is not None, "a count has a row"
    if row[0] >= most:
        raise TooManyAliasesError(machine_arn)


async def _fetch(connection: Connection, arn: str) -> AliasRecord | None:
    async with connection.cursor(row_factory=class_row(AliasRecord)) as cursor:
        await cursor.execute(_SQL["get"], {"arn": arn})
        return await cursor.fetchone()


def _parameters(alias: AliasRecord, now: datetime) -> dict[str, object]:
    return {
        "arn": alias.arn,
        "state_machine_arn": alias.state_machine_arn,
        "name": alias.name,
        "description": alias.description,
        "routing": Json(dict(alias.routing)),
        "now": now,
    }
