"""Whoever asks is answered in time, whatever is away, refused, or not understood."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from asl.payload import Payload
from engine.engine import Engine
from engine.errors import UnansweredError
from engine.patience import Patience
from runtime import stimuli as st
from storage.connections import connection_pool
from tests.support.fleet import Fleet, eventually
from tests.support.losing_proxy import LosingProxy
from tests.support.machines import pass_on, region, wait

SLEEP = region(wait(seconds=3600))


@contextlib.asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[None]:
    """Let whatever writes to a table wait until the block ends."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(f"LOCK TABLE {table} IN SHARE MODE".encode())
        yield


async def test_start_that_is_not_committed_in_time_is_told_so(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.starts.PATIENCE_SECONDS", 0.3)
    engine = await engines.engine()
    machine = await engines.machine(SLEEP)
    name = await engines.name(machine)

    async with locked(engines.url, "execution_records"):
        with pytest.raises(UnansweredError):
            await engines.start(engine, machine, name=name)
    run = await engines.start(engine, machine, name=name)

    assert await engines.status(run) == "RUNNING"
    assert (await engines.history(run)).count("ExecutionStarted") == 1


async def test_start_given_up_before_its_turn_is_not_made(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await engines.engine()
    machine = await engines.machine(SLEEP)
    async with locked(engines.url, "execution_records"):
        first = asyncio.create_task(engines.start(engine, machine))
        await eventually(
            lambda: engines.rows(
                "SELECT pid FROM pg_locks WHERE NOT granted"
                " AND relation = 'execution_records'::regclass"
            )
        )
        monkeypatch.setattr(engine.starts, "_patience", Patience(0.2))
        with pytest.raises(UnansweredError):
            await engines.start(engine, machine)
    run = await first

    await engines.happened(run, "WaitStateEntered")
    assert await engines.rows("SELECT count(*) FROM execution_records") == [(1,)]


async def test_express_start_that_is_not_committed_in_time_is_told_so(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.expressdesk.PATIENCE_SECONDS", 0.3)
    engine = await engines.engine()
    machine = await engines.machine(region(pass_on()), "EXPRESS")

    async with locked(engines.url, "express_runs"):
        with pytest.raises(UnansweredError):
            await engine.service.start_execution(machine, "e", "{}", None)


# The inbox


async def stop_from(engine: Engine, engines: Fleet, other: Engine) -> Any:
    """Start an execution that another engine holds; return how to stop it from here."""
    machine = await engines.machine(SLEEP)
    run = await engines.start(engine, machine, held_by=other)
    await engines.happened(run, "WaitStateEntered")
    return engine.service.stop_execution(run.arn, None, None)


async def test_stimulus_sent_after_a_lost_connection_needs_no_other_to_be_sent(
    engines: Fleet, proxy: LosingProxy
) -> None:
    one = await engines.engine(whole=False, url=proxy.url)
    other = await engines.engine(whole=False)
    await engines.holding(one, engines.installation.shards // 2)
    stop = await stop_from(one, engines, other)
    loss = proxy.lose("INSERT INTO inbox", before=True, application="stepwell inbox")

    await asyncio.wait_for(stop, 4.0)

    assert loss.happened.is_set()


async def test_stimulus_that_the_database_refuses_keeps_no_other_from_being_sent(
    engines: Fleet,
) -> None:
    one, other = await engines.pair()
    stop = await stop_from(one, engines, other)
    shard = next(iter(other.shards.epochs))
    unstorable = st.CallbackSucceeded(2, Payload.of_text('"\x00"'))
    nobody = "00000000-0000-0000-0000-000000000000"

    refused = asyncio.create_task(one.router.ask(shard, nobody, unstorable))
    stopped = asyncio.create_task(stop)

    with pytest.raises(psycopg.DataError):
        await refused
    await stopped


async def test_row_that_is_not_understood_keeps_no_other_waiting(
    engines: Fleet,
) -> None:
    one, other = await engines.pair()
    stop = await stop_from(one, engines, other)
    for kind, body in (("of a later version", "{}"), ("stop", "no json")):
        await engines.rows(
            "INSERT INTO inbox (execution_id, created_at, shard, kind, body)"
            " SELECT gen_random_uuid(), now(), shard, %s, %s FROM leases",
            kind,
            body,
        )

    await stop

    assert not one.life.failed.is_set()
    assert not other.life.failed.is_set()


# The lanes


async def test_turn_that_met_the_fence_outlives_the_loss_of_the_connection(
    engines: Fleet,
) -> None:
    engine = await engines.engine(lanes=1)
    machine = await engines.machine(region(wait(seconds=1), pass_on()))
    run = await engines.start(engine, machine)
    await engines.happened(run, "WaitStateEntered")
    store = engine.lanes[0]._commits._store
    held, calls = store.held, []

    async def lost(epochs: dict[int, int]) -> set[int]:
        calls.append(epochs)
        if len(calls) == 1:
            raise psycopg.OperationalError("the connection is lost")
        return await held(epochs)

    store.held = lost  # type: ignore[method-assign,assignment]
    await engines.rows("UPDATE leases SET epoch = epoch + 1")

    assert await engines.closed(run) == "SUCCEEDED"
    assert calls
    assert await engines.history(run) == [
        "ExecutionStarted",
        "WaitStateEntered",
        "WaitStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]


# Connections for everything else


async def test_no_statement_and_no_transaction_lasts_for_ever(
    clean_database: str,
) -> None:
    async with connection_pool(clean_database) as pool, pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT current_setting('statement_timeout'),"
            " current_setting('idle_in_transaction_session_timeout')"
        )

        assert await cursor.fetchone() == ("30s", "30s")


async def test_what_came_too_late_is_answered_though_the_lane_was_interrupted(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await engines.engine(lanes=1)
    run = await engines.start(engine, await engines.machine(region(pass_on())))
    await engines.closed(run)
    (lane,) = engine.lanes
    await lane.at_rest()

    async def interrupted() -> None:
        monkeypatch.undo()
        raise psycopg.OperationalError

    monkeypatch.setattr(lane, "_look_up_activities", interrupted)

    verdict = await engine.router.ask(run.shard, run.id, st.Stop(None, None))

    assert verdict is st.Verdict.CLOSED
