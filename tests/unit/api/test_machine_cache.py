from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.machine_cache import MachineCache
from scheduler.clock import VirtualClock
from storage.machines import MachineRecord

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:order"


def machine(number: int) -> MachineRecord:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return MachineRecord(
        arn=ARN,
        name="order",
        type="STANDARD",
        status="ACTIVE",
        created_at=now,
        updated_at=now,
        revision_id=UUID(int=number),
        number=number,
        definition="{}",
        role_arn="role",
    )


class Source:
    """Counts the reads; the number of the machine is the number of the read."""

    def __init__(self) -> None:
        self.reads = 0
        self.gate: asyncio.Event | None = None

    async def fetch(self, _arn: str) -> MachineRecord | None:
        self.reads += 1
        read = self.reads
        if self.gate is not None:
            await self.gate.wait()
        return machine(read)


async def number_of(cache: MachineCache) -> int:
    found = await cache.get(ARN)
    assert found is not None
    return found.number


async def test_machine_is_kept_for_a_second() -> None:
    clock = VirtualClock()
    cache = MachineCache(Source().fetch, clock)

    first = await number_of(cache)
    clock.advance(timedelta(milliseconds=999))
    second = await number_of(cache)
    clock.advance(timedelta(milliseconds=1))
    third = await number_of(cache)

    assert (first, second, third) == (1, 1, 2)


async def test_changed_machine_is_read_again() -> None:
    cache = MachineCache(Source().fetch, VirtualClock())
    await number_of(cache)

    cache.forget(ARN)

    assert await number_of(cache) == 2


async def test_read_that_a_change_overtook_is_not_kept() -> None:
    source = Source()
    source.gate = asyncio.Event()
    cache = MachineCache(source.fetch, VirtualClock())
    reading = asyncio.create_task(number_of(cache))
    while not source.reads:
        await asyncio.sleep(0)

    cache.forget(ARN)
    source.gate.set()

    assert await reading == 1
    assert await number_of(cache) == 2


async def test_machine_that_is_not_there_is_looked_for_again() -> None:
    async def nothing(_arn: str) -> None:
        return None

    assert await MachineCache(nothing, VirtualClock()).get(ARN) is None
