"""StartExecution: idempotent, durable whoever runs, and names that become free."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import ExecutionExistsError
from tests.support.fleet import Fleet, Run, eventually
from tests.support.losing_proxy import LosingProxy
from tests.support.machines import pass_on, region, task, wait

QUICK = region(pass_on())
LONG = region(wait(seconds=3600))


async def close_long_ago(engines: Fleet, run: Run, days: int) -> None:
    """Let the end of an execution lie so many days back."""
    await engines.rows(
        "UPDATE execution_records SET start_date = start_date - %s * interval '1 day',"
        " stop_date = stop_date - %s * interval '1 day' WHERE execution_id = %s",
        days,
        days,
        run.id,
    )


async def generations(engines: Fleet, run: Run) -> list[tuple[int, str]]:
    return await engines.rows(
        "SELECT generation, execution_id::text FROM execution_records"
        " WHERE arn = %s ORDER BY generation",
        run.arn,
    )


async def test_same_start_again_is_the_running_execution(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(LONG)

    first = await engine.service.start_execution(machine, "n", "{}", None)
    second = await engine.service.start_execution(machine, "n", "{}", None)

    assert second == first
    assert await engines.rows("SELECT count(*) FROM execution_records") == [(1,)]


async def test_start_with_another_input_is_refused(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(LONG)
    await engine.service.start_execution(machine, "n", "{}", None)

    with pytest.raises(ExecutionExistsError):
        await engine.service.start_execution(machine, "n", '{"other": 1}', None)


async def test_name_of_a_closed_execution_is_taken(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(QUICK)
    await engines.closed(await engines.start(engine, machine, name="n"))

    with pytest.raises(ExecutionExistsError):
        await engines.start(engine, machine, name="n")


async def test_many_starts_of_one_name_at_once_are_one(engines: Fleet) -> None:
    one, other = await engines.pair()
    machine = await engines.machine(LONG)

    answers = await asyncio.gather(
        *(
            engine.service.start_execution(machine, "n", "{}", None)
            for engine in (one, other) * 10
        )
    )

    assert len({answer.start_date for answer in answers}) == 1
    assert await engines.rows("SELECT count(*) FROM execution_records") == [(1,)]


async def test_name_is_free_after_ninety_days(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(QUICK)
    first = await engines.start(engine, machine, name="n")
    await engines.closed(first)

    await close_long_ago(engines, first, 89)
    with pytest.raises(ExecutionExistsError):
        await engines.start(engine, machine, name="n")
    await close_long_ago(engines, first, 2)
    await engines.start(engine, machine, name="n")

    second = engines.run(machine, "n", generation=2)
    assert await generations(engines, first) == [(1, first.id), (2, second.id)]
    assert await engines.closed(second) == "SUCCEEDED"
    assert second.shard == first.shard


async def test_name_in_use_stays_taken_when_retention_deletes_its_first_use(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    machine = await engines.machine(QUICK)
    first = await engines.start(engine, machine, name="n")
    await engines.closed(first)
    await close_long_ago(engines, first, 91)
    await engines.start(engine, machine, name="n")
    second = engines.run(machine, "n", generation=2)
    await engines.closed(second)
    await engines.own("DELETE FROM execution_records WHERE execution_id = %s", first.id)

    with pytest.raises(ExecutionExistsError):
        await engines.start(engine, machine, name="n")

    assert await generations(engines, first) == [(2, second.id)]


@pytest.mark.parametrize("before", [True, False], ids=["not landed", "landed"])
async def test_start_whose_connection_was_lost_is_answered(
    engines: Fleet, proxy: LosingProxy, before: bool
) -> None:
    engine = await engines.engine(url=proxy.url)
    machine = await engines.machine(QUICK)
    loss = proxy.lose("INSERT INTO inbox", before=before)

    run = await engines.start(engine, machine)

    await eventually(loss.happened.is_set, why="nothing was lost")
    assert await engines.closed(run) == "SUCCEEDED"
    assert (await engines.history(run)).count("ExecutionStarted") == 1


async def test_landed_start_that_ended_before_the_retry_is_answered(
    engines: Fleet, proxy: LosingProxy
) -> None:
    runner = await engines.engine()
    starter = await engines.engine(url=proxy.url, whole=False)
    machine = await engines.machine(QUICK)
    name = await engines.name(machine, held_by=runner)
    commit = starter.starts._commit
    answers: list[str] = []

    async def wait_for_the_end(group: object) -> None:
        if proxy_has_lost.happened.is_set():
            answers.append(await engines.closed(engines.run(machine, name)))
        await commit(group)  # type: ignore[arg-type]  # passed on as it came

    proxy_has_lost = proxy.lose("INSERT INTO inbox", before=False)
    vars(starter.starts)["_commit"] = wait_for_the_end

    run = await engines.start(starter, machine, name=name)

    assert answers == ["SUCCEEDED"]
    assert await engines.status(run) == "SUCCEEDED"


async def test_starts_are_accepted_while_no_engine_holds_a_shard(
    engines: Fleet,
) -> None:
    await engines.rows(
        "UPDATE leases SET holder = 'away',"
        " expires_at = clock_timestamp() + interval '1 hour'"
    )
    engine = await engines.engine(whole=False)
    machine = await engines.machine(region(pass_on(), pass_on("Second")))

    runs = [await engines.start(engine, machine) for _ in range(5)]
    assert [await engines.history(run) for run in runs] == [["ExecutionStarted"]] * 5
    await engines.rows("UPDATE leases SET expires_at = 'epoch'")

    assert {await engines.closed(run) for run in runs} == {"SUCCEEDED"}
    await engines.at_rest()


async def test_start_in_another_engines_shard_runs_there(engines: Fleet) -> None:
    one, other = await engines.pair()
    machine = await engines.machine(QUICK)

    run = await engines.start(one, machine, held_by=other)

    assert await engines.closed(run) == "SUCCEEDED"
    assert sum(lane.committed_events for lane in one.lanes) == 0


async def test_refused_start_refuses_itself_only(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(region(task()))
    good = [engines.start(engine, machine) for _ in range(5)]
    bad = engine.service.start_execution(machine, "bad", '"\x00"', None)

    *runs, refusal = await asyncio.gather(*good, bad, return_exceptions=True)

    assert isinstance(refusal, Exception)
    assert all(isinstance(run, Run) for run in runs)
