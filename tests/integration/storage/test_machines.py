"""State machines: the contracts of creating, updating and deleting them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from psycopg_pool import AsyncConnectionPool

from storage.connections import Connection, connection_pool
from storage.database import connect
from storage.machines import (
    Blueprint,
    MachineDeletingError,
    MachineExistsError,
    MachineMissingError,
    MachineRecord,
    Machines,
)
from tests.support.definitions import REMINDER
from tests.support.recorder import BEGINNING, Recorder, machine_arn

ORDERS = machine_arn("orders")
LATER = BEGINNING + timedelta(hours=1)
BLUEPRINT = Blueprint(
    definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
    role_arn="arn:aws:iam::123456789012:role/one",
    logging_configuration={"level": "OFF", "includeExecutionData": False},
)


def blueprint(**changes: Any) -> Blueprint:
    values = {name: getattr(BLUEPRINT, name) for name in BLUEPRINT.__slots__}
    return Blueprint(**values | changes)


@pytest.fixture
async def pool(clean_database: str) -> AsyncIterator[AsyncConnectionPool[Connection]]:
    async with connection_pool(clean_database, largest=4) as pool:
        yield pool


@pytest.fixture
def machines(pool: AsyncConnectionPool[Connection]) -> Machines:
    return Machines(pool.connection)


async def create(machines: Machines, plan: Blueprint = BLUEPRINT) -> MachineRecord:
    return await machines.create(ORDERS, "STANDARD", plan, BEGINNING)


async def test_a_machine_is_read_as_it_was_created(machines: Machines) -> None:
    created = await create(machines)

    found = await machines.get(ORDERS)

    assert found == created
    assert found.blueprint == BLUEPRINT
    assert (found.number, found.status, found.created_at) == (1, "ACTIVE", BEGINNING)


async def test_creating_again_returns_the_same_machine(machines: Machines) -> None:
    created = await create(machines)

    again = await create(machines, blueprint(role_arn="another"))

    assert again == created


@pytest.mark.parametrize(
    "other",
    [
        blueprint(definition=BLUEPRINT.definition + " "),
        blueprint(logging_configuration={"level": "ALL"}),
        blueprint(tracing_configuration={"enabled": True}),
        blueprint(encryption_configuration={"type": "AWS_OWNED_KEY"}),
    ],
    ids=["white space", "logging", "tracing", "encryption"],
)
async def test_creating_another_of_that_name_is_refused(
    machines: Machines, other: Blueprint
) -> None:
    await create(machines)

    with pytest.raises(MachineExistsError):
        await create(machines, other)


async def test_creating_another_type_of_that_name_is_refused(
    machines: Machines,
) -> None:
    await create(machines)

    with pytest.raises(MachineExistsError):
        await machines.create(ORDERS, "EXPRESS", BLUEPRINT, BEGINNING)


async def test_creating_at_once_makes_one_machine_and_one_revision(
    machines: Machines, clean_database: str
) -> None:
    created = await asyncio.gather(*(create(machines) for _ in range(4)))

    with connect(clean_database) as connection:
        query = "SELECT count(*) FROM state_machine_revisions"
        row = connection.execute(query).fetchone()
    assert len({machine.revision_id for machine in created}) == 1
    assert row == (1,)


async def test_an_update_makes_a_revision_and_keeps_the_old_one(
    machines: Machines,
) -> None:
    created = await create(machines)

    updated = await machines.update(ORDERS, LATER, definition="{}")

    old = await machines.revision(created.revision_id)
    new = await machines.revision(str(updated.revision_id))
    assert old is not None
    assert new is not None
    assert (old.number, old.definition) == (1, BLUEPRINT.definition)
    assert (new.number, new.definition) == (2, "{}")
    assert new.role_arn == BLUEPRINT.role_arn
    assert (updated.created_at, updated.updated_at) == (BEGINNING, LATER)


async def test_an_update_that_changes_nothing_keeps_the_revision(
    machines: Machines,
) -> None:
    created = await create(machines)

    updated = await machines.update(ORDERS, LATER, definition=created.definition)

    assert updated == created


async def test_updates_at_once_are_all_kept(machines: Machines) -> None:
    await create(machines)

    await asyncio.gather(
        machines.update(ORDERS, LATER, definition="[1]"),
        machines.update(ORDERS, LATER, role_arn="two"),
    )

    machine = await machines.get(ORDERS)
    assert machine is not None
    assert (machine.number, machine.definition, machine.role_arn) == (3, "[1]", "two")


async def test_updating_what_is_missing_is_refused(machines: Machines) -> None:
    with pytest.raises(MachineMissingError):
        await machines.update(ORDERS, LATER, role_arn="two")


async def test_deleting_an_idle_machine_forgets_it_but_not_its_revision(
    machines: Machines,
) -> None:
    created = await create(machines)

    await machines.delete(ORDERS, LATER)

    assert await machines.get(ORDERS) is None
    assert await machines.revision(created.revision_id) is not None


async def test_deleting_waits_for_open_executions(
    machines: Machines, clean_database: str
) -> None:
    reminder = Recorder(machine_name="reminder", definition=REMINDER).start()
    with connect(clean_database) as connection:
        reminder.save(connection)

    await machines.delete(reminder.machine_arn, LATER)

    machine = await machines.get(reminder.machine_arn)
    assert machine is not None
    assert machine.is_deleting
    with pytest.raises(MachineDeletingError):
        await machines.update(reminder.machine_arn, LATER, role_arn="two")
    with pytest.raises(MachineDeletingError):
        await machines.create(
            reminder.machine_arn, "STANDARD", machine.blueprint, LATER
        )


async def test_a_deletion_ends_once_its_executions_have(
    machines: Machines, clean_database: str
) -> None:
    reminder = Recorder(machine_name="reminder", definition=REMINDER).start()
    with connect(clean_database) as connection:
        reminder.save(connection)
    await machines.delete(reminder.machine_arn, LATER)
    with connect(clean_database) as connection:
        connection.execute(
            "UPDATE execution_records SET status = 'ABORTED', stop_date = %s", [LATER]
        )

    gone = await machines.finish_deletions()

    assert gone == [reminder.machine_arn]
    assert await machines.get(reminder.machine_arn) is None


async def test_a_deleted_name_can_be_used_again(machines: Machines) -> None:
    first = await create(machines)
    await machines.delete(ORDERS, LATER)

    second = await create(machines)

    assert second.revision_id != first.revision_id
    assert second.number == 1


async def test_pages_go_through_all_machines_in_order(machines: Machines) -> None:
    names = ["b", "a", "c", "A"]
    for name in names:
        arn = machine_arn(name)
        await machines.create(arn, "STANDARD", BLUEPRINT, BEGINNING)

    first = await machines.page(limit=3)
    second = await machines.page(after=first[-1].arn, limit=3)

    assert [machine.name for machine in first + second] == sorted(names)
