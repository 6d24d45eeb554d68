"""State machines: created, updated into new revisions, deleted, and read.

A machine points to its present revision. An execution keeps the revision it was started
with, so revisions are never changed; they outlive their machine, until no execution refers
to them any more. Versions point to revisions too, and aliases to versions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack
from uuid import UUID, uuid4

from psycopg import Rollback
from psycopg.rows import class_row
from psycopg.types.json import Json

from runtime.limits import MAX_MACHINES
from storage.connections import Connection, Connections
from storage.errors import StorageError
from storage.statements import statements
from storage.tags import insert_tags
from storage.versions import (
    Publication,
    publish_revision,
    version_arn,
    version_of,
)

_SQL: Final = statements("machines")


class MachineError(StorageError):
    """A request that the machine's present state does not allow."""


class MachineExistsError(MachineError):
    """A machine of that ARN exists and is another one. Its argument is the ARN."""


class TooManyMachinesError(MachineError):
    """There would be more machines than there may be."""


class MachineDeletingError(MachineError):
    """The machine is being deleted. Its argument is the ARN."""


class RevisionChangedError(MachineError):
    """The present revision is not the one that was meant. Its argument is the ARN."""


class MachineMissingError(MachineError):
    """There is no machine of that ARN. Its argument is the ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """What a revision holds: everything about a machine that an update may change.

    The configurations are compared as they are given: write out their defaults before.
    """

    definition: str
    role_arn: str
    logging_configuration: Mapping[str, Any] | None = None
    tracing_configuration: Mapping[str, Any] | None = None
    encryption_configuration: Mapping[str, Any] | None = None

    def parameters(self) -> dict[str, Any]:
        """Return the values as parameters of a statement."""
        values = {field.name: getattr(self, field.name) for field in fields(Blueprint)}
        return {
            name: Json(value) if isinstance(value, Mapping) else value
            for name, value in values.items()
        }


class Changes(TypedDict, total=False):
    """The fields of a blueprint that an update names."""

    definition: str
    role_arn: str
    logging_configuration: Mapping[str, Any] | None
    tracing_configuration: Mapping[str, Any] | None
    encryption_configuration: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRecord(Blueprint):
    """A stored revision; numbers count from 1, which is the machine as it was created."""

    revision_id: UUID
    number: int
    state_machine_arn: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRecord(Blueprint):
    """A machine as it is now, with its present revision."""

    arn: str
    name: str
    type: str
    status: str
    created_at: datetime
    updated_at: datetime
    revision_id: UUID
    number: int
    # Where it was asked for by the ARN of a version or alias, or has just been published.
    version_arn: str | None = None
    alias_arn: str | None = None

    @property
    def is_deleting(self) -> bool:
        """Whether DeleteStateMachine was called and some execution is still open."""
        return self.status == "DELETING"

    @property
    def blueprint(self) -> Blueprint:
        """The part that a revision holds."""
        return Blueprint(
            **{field.name: getattr(self, field.name) for field in fields(Blueprint)}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSummary:
    """What a list of machines shows."""

    arn: str
    name: str
    type: str
    created_at: datetime


class Machines:
    """The state machines of an installation."""

    def __init__(self, connections: Connections, most: int = MAX_MACHINES) -> None:
        self._connections = connections
        self._most = most

    async def create(
        self,
        arn: str,
        kind: str,
        blueprint: Blueprint,
        now: datetime,
        publication: Publication | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> MachineRecord:
        """Create a machine (`kind`: STANDARD or EXPRESS), or return the same one.

        A repeated request is the same in all but role and tags, which are then not applied.
        """
        async with self._connections() as connection, connection.transaction():
            existing = await _lock(connection, arn)
            if existing is None:
                created = await _insert(connection, arn, kind, blueprint, now)
                if created is not None:
                    await self._check_count(connection, arn)
                    await insert_tags(connection, arn, tags or {})
                    return await _published(connection, created, publication, now)
                existing = await _lock(connection, arn)  # somebody else was faster
            if existing is None:  # created and deleted by others, just now
                raise MachineDeletingError(arn)
            machine = _same(existing, kind, blueprint)
            return await _published_before(connection, machine, publication)

    async def _check_count(self, connection: Connection, arn: str) -> None:
        row = await (await connection.execute(_SQL["count_machines"])).fetchone()
        assert row is not None, "a count has a row"
        if row[0] > self._most:
            raise TooManyMachinesError(arn)

    async def update(
        self,
        arn: str,
        now: datetime,
        publication: Publication | None = None,
        **changes: Unpack[Changes],
    ) -> MachineRecord:
        """Change the given fields of a machine's blueprint; make a revision of it.

        Where nothing changes, the revision stays.
        """
        async with self._connections() as connection, connection.transaction():
            machine = _changeable(await _lock(connection, arn), arn)
            blueprint = replace(machine.blueprint, **changes)
            if blueprint != machine.blueprint:
                machine = await _revise(connection, machine, blueprint, now)
            return await _published(connection, machine, publication, now)

    async def publish(
        self,
        arn: str,
        revision_id: UUID | None,
        publication: Publication,
        now: datetime,
    ) -> MachineRecord:
        """Make the present revision a version; with `revision_id`, only if it is that one."""
        async with self._connections() as connection, connection.transaction():
            machine = _changeable(await _lock(connection, arn), arn)
            if revision_id not in (None, machine.revision_id):
                raise RevisionChangedError(arn)
            return await _published(connection, machine, publication, now)

    async def delete(self, arn: str, now: datetime) -> None:
        """Begin to delete a machine; it is gone once no execution of it is open."""
        key = {"arn": arn, "now": now, "state_machine_arn": arn}
        async with self._connections() as connection, connection.transaction():
            await connection.execute(_SQL["mark_deleting"], key)
            await connection.execute(statements("aliases")["delete_all"], key)
            await connection.execute(statements("versions")["delete_all"], key)
        await self.finish_deletions()

    async def finish_deletions(self) -> list[str]:
        """Forget the machines whose deletion nothing holds up any more; a sweep."""
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["finish_deletions"])
            return [row[0] for row in await cursor.fetchall()]

    async def deleting(self) -> frozenset[str]:
        """Return the machines whose deletion an open execution holds up."""
        async with self._connections() as connection:
            cursor = await connection.execute(_SQL["deleting"])
            return frozenset(row[0] for row in await cursor.fetchall())

    async def orphaned_revisions(self, bound: int = 1_000) -> set[UUID]:
        """Find revisions of machines that are gone, to which no execution refers."""
        async with self._connections() as connection:
            cursor = await connection.execute(
                _SQL["orphaned_revisions"], {"bound": bound}
            )
            return {row[0] for row in await cursor.fetchall()}

    async def forget_revisions(self, revision_ids: Collection[UUID]) -> int:
        """Delete revisions, unless an execution refers to them by now; return how many.

        To be called a while after they were found orphaned: a process may start executions
        of a machine for as long as it remembers it.
        """
        async with self._connections() as connection:
            cursor = await connection.execute(
                _SQL["forget_revisions"], {"revision_ids": list(revision_ids)}
            )
            return cursor.rowcount

    async def get(self, arn: str) -> MachineRecord | None:
        """Return a machine as it is now."""
        async with self._connections() as connection:
            return await _fetch(connection, arn)

    async def revision(self, revision_id: UUID | str) -> RevisionRecord | None:
        """Return what an execution of that revision runs."""
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(RevisionRecord)) as cursor,
        ):
            await cursor.execute(_SQL["revision"], {"revision_id": revision_id})
            return await cursor.fetchone()

    async def page(self, *, after: str = "", limit: int = 100) -> list[MachineSummary]:
        """Return the machines whose ARN follows `after`, in the order of their ARNs."""
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(MachineSummary)) as cursor,
        ):
            await cursor.execute(_SQL["page"], {"after": after, "limit": limit})
            return await cursor.fetchall()


def _same(existing: MachineRecord, kind: str, blueprint: Blueprint) -> MachineRecord:
    """Return the machine that exists if a request to create it means the same."""
    if existing.is_deleting:
        raise MachineDeletingError(existing.arn)
    wanted = replace(blueprint, role_arn=existing.role_arn)
    if existing.type != kind or existing.blueprint != wanted:
        raise MachineExistsError(existing.arn)
    return existing


def _changeable(machine: MachineRecord | None, arn: str) -> MachineRecord:
    if machine is None:
        raise MachineMissingError(arn)
    if machine.is_deleting:
        raise MachineDeletingError(arn)
    return machine


async def _lock(connection: Connection, arn: str) -> MachineRecord | None:
    """Read a machine that stays as it is until the transaction ends."""
    await connection.execute(_SQL["lock"], {"arn": arn})
    return await _fetch(connection, arn)


async def _fetch(connection: Connection, arn: str) -> MachineRecord | None:
    async with connection.cursor(row_factory=class_row(MachineRecord)) as cursor:
        await cursor.execute(_SQL["describe"], {"arn": arn})
        return await cursor.fetchone()


async def _insert(
    connection: Connection, arn: str, kind: str, blueprint: Blueprint, now: datetime
) -> MachineRecord | None:
    """Insert a machine and its first revision; None when somebody else was faster."""
    async with connection.transaction() as transaction:
        revision_id = await _insert_revision(connection, arn, 1, blueprint, now)
        cursor = await connection.execute(
            _SQL["insert_machine"],
            {"arn": arn, "name": arn.rpartition(":")[2], "type": kind, "now": now}
            | {"revision_id": revision_id}
            | blueprint.parameters(),
        )
        if cursor.rowcount:
            return await _fetch(connection, arn)
        raise Rollback(transaction)
    return None


async def _revise(
    connection: Connection, machine: MachineRecord, blueprint: Blueprint, now: datetime
) -> MachineRecord:
    """Make a blueprint the machine's present revision."""
    arn = machine.arn
    revision_id = await _insert_revision(
        connection, arn, machine.number + 1, blueprint, now
    )
    await connection.execute(
        _SQL["point_to_revision"],
        {"arn": arn, "now": now, "revision_id": revision_id} | blueprint.parameters(),
    )
    revised = await _fetch(connection, arn)
    assert revised is not None, "the machine is locked"
    return revised


async def _published(
    connection: Connection,
    machine: MachineRecord,
    publication: Publication | None,
    now: datetime,
) -> MachineRecord:
    """Return the machine with the version that its revision is, where that is wanted."""
    if publication is None:
        return machine
    version = await publish_revision(
        connection, machine.arn, machine.revision_id, publication, now
    )
    return replace(machine, version_arn=version_arn(machine.arn, version.number))


async def _published_before(
    connection: Connection, machine: MachineRecord, publication: Publication | None
) -> MachineRecord:
    """Return the machine with the version that the same request has published."""
    if publication is None:
        return machine
    version = await version_of(connection, machine.arn, machine.revision_id)
    if version is None or version.description != publication.description:
        raise MachineExistsError(machine.arn)
    return replace(machine, version_arn=version_arn(machine.arn, version.number))


async def _insert_revision(
    connection: Connection, arn: str, number: int, blueprint: Blueprint, now: datetime
) -> UUID:
    revision_id = uuid4()
    await connection.execute(
        _SQL["insert_revision"],
        {"arn": arn, "number": number, "now": now, "revision_id": revision_id}
        | blueprint.parameters(),
    )
    return revision_id
