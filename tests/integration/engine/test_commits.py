"""What becomes of a batch whose commit fails, in each of the ways in which one can."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from engine import turns
from engine.lane import BatchLimits
from engine.work import TurnDone
from runtime import advance as advancing
from tests.support.fleet import Fleet, Run, eventually
from tests.support.losing_proxy import LosingProxy
from tests.support.machines import each, pass_on, region, task, wait
from tests.support.visitors import Visitor


async def let_fail(engines: Fleet, sqlstate: str, when: str) -> None:
    """Let inserts of events fail, as long as a condition holds."""
    await engines.own("CREATE SEQUENCE IF NOT EXISTS attempts")
    await engines.own("GRANT ALL ON SEQUENCE attempts TO PUBLIC")
    await engines.own(
        "CREATE FUNCTION blow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {when} THEN RAISE EXCEPTION 'blown' USING ERRCODE = '{sqlstate}';"
        " END IF; RETURN NEW; END $$"
    )
    await engines.own(
        "CREATE TRIGGER blow BEFORE INSERT ON events"
        " FOR EACH ROW EXECUTE FUNCTION blow()"
    )


async def start(engines: Fleet, engine: Any, value: Any = None) -> Run:
    machine = await engines.machine(region(pass_on("First"), pass_on("Second")))
    return await engines.start(engine, machine, value)


EXPECTED = [
    "ExecutionStarted",
    "PassStateEntered",
    "PassStateExited",
    "PassStateEntered",
    "PassStateExited",
    "ExecutionSucceeded",
]


@pytest.mark.parametrize("before", [True, False], ids=["not landed", "landed"])
async def test_lost_commit_happens_exactly_once(
    engines: Fleet, proxy: LosingProxy, before: bool
) -> None:
    engine = await engines.engine(url=proxy.url, lanes=1)
    loss = proxy.lose("COMMIT", before=before, application="stepwell lane")

    run = await start(engines, engine)

    assert await engines.closed(run) == "SUCCEEDED"
    await eventually(loss.happened.is_set, why="nothing was lost")
    assert await engines.history(run) == EXPECTED
    await engines.at_rest()


@pytest.mark.parametrize("before", [True, False], ids=["not landed", "landed"])
async def test_lost_commit_of_a_started_task_runs_it_once(
    engines: Fleet, proxy: LosingProxy, before: bool
) -> None:
    engine = await engines.engine(url=proxy.url, session_timeout=10.0, lanes=1)
    worker = Visitor(engine)
    await worker.poll(wait=0)
    machine = await engines.machine(region(task()))
    loss = proxy.lose("COMMIT", before=before, application="stepwell lane")

    run = await engines.start(engine, machine)
    given = await worker.task()
    again = await worker.poll(wait=0.2)

    await eventually(loss.happened.is_set, why="nothing was lost")
    assert again.tasks == ()
    assert await worker.succeed(given, 5) == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"
    assert (await engines.history(run)).count("LambdaFunctionStarted") == 1


@pytest.mark.parametrize("before", [True, False], ids=["not landed", "landed"])
async def test_report_whose_commit_was_lost_is_answered(
    engines: Fleet, proxy: LosingProxy, before: bool
) -> None:
    engine = await engines.engine(url=proxy.url, session_timeout=10.0, lanes=1)
    worker = Visitor(engine)
    machine = await engines.machine(region(task()))
    run = await engines.start(engine, machine)
    given = await worker.task()
    proxy.lose("COMMIT", before=before, application="stepwell lane")

    assert await worker.succeed(given) == "accepted"
    assert await engines.status(run) == "SUCCEEDED"


async def test_unknown_outcome_raises_the_epochs_of_its_lane(
    engines: Fleet, proxy: LosingProxy
) -> None:
    engine = await engines.engine(url=proxy.url)
    before = dict(engine.shards.epochs)
    proxy.lose("COMMIT", before=True, application="stepwell lane")

    run = await start(engines, engine)
    await engines.closed(run)

    lane = run.shard % 2
    raised = {shard for shard in before if engine.shards.epochs[shard] > before[shard]}
    assert raised == {shard for shard in before if shard % 2 == lane}
    stored = dict(await engines.rows("SELECT shard, epoch FROM leases"))
    assert stored == engine.shards.epochs


async def test_terminated_backends_lose_and_repeat_nothing(engines: Fleet) -> None:
    engine = await engines.engine()
    runs = []
    for _ in range(10):
        runs += [await start(engines, engine) for _ in range(3)]
        await engines.own(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'stepwell lane%'"
            " AND datname = current_database()"
        )

    assert {await engines.closed(run) for run in runs} == {"SUCCEEDED"}
    for run in runs:
        assert await engines.history(run) == EXPECTED


@pytest.mark.parametrize("sqlstate", ["40P01", "40001", "XX000"])
async def test_reported_abort_is_tried_again(own: Fleet, sqlstate: str) -> None:
    engine = await own.engine(lanes=1)
    once = "NEW.event_id = 2 AND nextval('attempts') = 1"
    await let_fail(own, sqlstate, once)

    runs = [await start(own, engine) for _ in range(3)]

    for run in runs:
        assert await own.closed(run) == "SUCCEEDED"
        assert await own.history(run) == EXPECTED
    await own.at_rest()


async def test_many_aborts_leave_a_usable_connection(own: Fleet) -> None:
    engine = await own.engine(lanes=1)
    await let_fail(own, "40001", "NEW.event_id = 2 AND nextval('attempts') % 2 = 1")

    for _ in range(10):
        run = await start(own, engine)
        assert await own.closed(run) == "SUCCEEDED"


async def test_refused_row_sets_its_execution_aside_and_no_other(own: Fleet) -> None:
    engine = await own.engine(lanes=1)
    machine = await own.machine(region(wait(seconds=1), pass_on(Result="poison")))
    healthy = await own.machine(region(wait(seconds=1), pass_on()))
    await let_fail(own, "23514", "NEW.data = '\"poison\"'")

    bad = await own.start(engine, machine)
    good = [await own.start(engine, healthy) for _ in range(12)]

    assert {await own.closed(run) for run in good} == {"SUCCEEDED"}
    await eventually(lambda: own.rows("SELECT shard FROM quarantine"))
    ((execution_id, reason),) = await own.rows(
        "SELECT execution_id::text, reason FROM quarantine"
    )
    assert (execution_id, reason) == (bad.id, "RowRefusedError")
    assert await own.status(bad) == "RUNNING"
    assert not engine.life.failed.is_set()


async def release(engines: Fleet, run: Run) -> None:
    """Let an execution go on that was set aside, as `stepwell` does."""
    await engines.rows("DELETE FROM quarantine WHERE execution_id = %s", run.id)
    await engines.rows(
        "INSERT INTO inbox (execution_id, created_at, shard, kind, body)"
        " VALUES (%s, now(), %s, 'continue', '{}')",
        run.id,
        run.shard,
    )


async def test_released_execution_goes_on_where_it_was(own: Fleet) -> None:
    engine = await own.engine(lanes=1)
    await let_fail(own, "23514", "NEW.event_id = 3")
    run = await start(own, engine)
    await eventually(lambda: own.rows("SELECT shard FROM quarantine"))

    await own.own("DROP TRIGGER blow ON events")
    await release(own, run)

    assert await own.closed(run) == "SUCCEEDED"
    assert await own.history(run) == EXPECTED
    await own.at_rest()


async def test_timer_of_a_released_execution_fires(own: Fleet) -> None:
    engine = await own.engine(lanes=1)
    machine = await own.machine(region(wait(seconds=1), pass_on()))
    await let_fail(own, "23514", "NEW.event_id = 3")
    run = await own.start(engine, machine)
    await eventually(lambda: own.rows("SELECT shard FROM quarantine"))

    await own.own("DROP TRIGGER blow ON events")
    await release(own, run)

    assert await own.closed(run) == "SUCCEEDED"


async def test_task_of_a_released_execution_finds_a_worker(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await engines.engine(lanes=1)
    machine = await engines.machine(region(task()))
    run = await engines.start(engine, machine)
    await engines.happened(run, "LambdaFunctionScheduled")
    worker = Visitor(engine)
    with monkeypatch.context() as patch:
        patch.setattr(turns, "advance", _blow)
        await worker.poll(wait=0.1)
        await eventually(lambda: engines.rows("SELECT shard FROM quarantine"))

    await release(engines, run)

    assert await worker.succeed(await worker.task()) == "accepted"


def _blow(*_arguments: object) -> None:
    msg = "a bug of ours"
    raise ZeroDivisionError(msg)


async def test_poisoned_advance_is_set_aside_and_no_neighbour(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await engines.engine(lanes=1)
    healthy = advancing.advance

    def advance(machine: Any, execution: Any, *more: Any) -> Any:
        if execution.input.value == "poison":
            _blow()
        return healthy(machine, execution, *more)

    monkeypatch.setattr(turns, "advance", advance)
    bad = await start(engines, engine, "poison")
    good = await start(engines, engine)

    assert await engines.closed(good) == "SUCCEEDED"
    await eventually(lambda: engines.rows("SELECT shard FROM quarantine"))
    ((execution_id, reason, detail),) = await engines.rows(
        "SELECT execution_id::text, reason, detail FROM quarantine"
    )
    assert (execution_id, reason, detail) == (
        bad.id,
        "ZeroDivisionError",
        "a bug of ours",
    )


async def test_execution_stays_set_aside_after_a_restart(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await engines.engine(lanes=1)
    with monkeypatch.context() as patch:
        patch.setattr(turns, "advance", _blow)
        run = await start(engines, engine)
        await eventually(lambda: engines.rows("SELECT shard FROM quarantine"))
    await engines.stop(engine)
    engine = await engines.engine(lanes=1)
    good = await start(engines, engine)
    await engines.closed(good)

    assert await engines.status(run) == "RUNNING"
    await release(engines, run)
    assert await engines.closed(run) == "SUCCEEDED"


async def test_database_that_is_away_sets_nothing_aside(engines: Fleet) -> None:
    engine = await engines.engine(lanes=1)
    machine = await engines.machine(region(wait(seconds=1), pass_on()))
    run = await engines.start(engine, machine)
    await engines.happened(run, "WaitStateEntered")
    await engines.stop(engine)
    engine = await engines.engine(whole=False, lanes=1)
    calls = 0
    read = engine._machines.revision

    async def revision(revision_id: str) -> Any:
        nonlocal calls
        calls += 1
        if calls == 1:
            msg = "the connection is lost"
            raise OSError(msg)
        return await read(revision_id)

    vars(engine._machines)["revision"] = revision

    assert await engines.closed(run) == "SUCCEEDED"
    assert calls == 2


async def test_cut_turn_is_gone_on_with(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advancing, "MAX_TURN_EVENTS", 7)
    engine = await engines.engine(lanes=1)
    machine = await engines.machine(region(each("All", pass_on())))

    run = await engines.start(engine, machine, list(range(20)))

    assert await engines.closed(run) == "SUCCEEDED"
    assert (await engines.history(run)).count("MapIterationSucceeded") == 20
    await engines.at_rest()


@pytest.mark.parametrize("before", [True, False], ids=["not landed", "landed"])
async def test_cut_turn_whose_commit_was_lost_is_gone_on_with(
    engines: Fleet,
    proxy: LosingProxy,
    monkeypatch: pytest.MonkeyPatch,
    before: bool,
) -> None:
    monkeypatch.setattr(advancing, "MAX_TURN_EVENTS", 7)
    engine = await engines.engine(url=proxy.url, lanes=1)
    machine = await engines.machine(region(each("All", pass_on())))
    proxy.lose("COMMIT", before=before, application="stepwell lane")

    run = await engines.start(engine, machine, list(range(20)))

    assert await engines.closed(run) == "SUCCEEDED"
    assert (await engines.history(run)).count("MapIterationSucceeded") == 20
    await engines.at_rest()


async def test_execution_that_left_the_cache_is_folded_again(engines: Fleet) -> None:
    engine = await engines.engine(cache_characters=1, session_timeout=10.0)
    machine = await engines.machine(region(task("A"), wait(seconds=1), task("B")))
    run = await engines.start(engine, machine, {"pad": "x" * 1000})
    worker = Visitor(engine)

    await worker.succeed(await worker.task(), {"n": 1})
    assert all(len(lane._residents) == 0 for lane in engine.lanes)
    given = await worker.task()

    assert json.loads(given.input) == {"n": 1}
    assert await worker.succeed(given) == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"


async def test_cancelled_wait_for_a_standby_is_an_unknown_outcome(own: Fleet) -> None:
    engine = await own.engine(lanes=1)
    epochs = dict(engine.shards.epochs)
    await own.own("CREATE SEQUENCE warnings")
    await own.own("GRANT ALL ON SEQUENCE warnings TO PUBLIC")
    await own.own(
        "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.event_id = 2 AND nextval('warnings') = 1 THEN"
        " RAISE WARNING 'canceling wait for synchronous replication due to user request';"
        " END IF; RETURN NEW; END $$"
    )
    await own.own(
        "CREATE TRIGGER warn BEFORE INSERT ON events"
        " FOR EACH ROW EXECUTE FUNCTION warn()"
    )

    run = await start(own, engine)

    assert await own.closed(run) == "SUCCEEDED"
    await eventually(lambda: engine.shards.epochs[run.shard] > epochs[run.shard])
    assert await own.history(run) == EXPECTED


async def test_batch_is_bounded_in_events(engines: Fleet) -> None:
    engine = await engines.engine(lanes=1)
    lane = engine.lanes[0]
    vars(lane)["_limits"] = BatchLimits(events=10)
    sizes: list[int] = []
    commit = lane._commits.commit

    async def measured(turns: Sequence[TurnDone]) -> None:
        sizes.append(sum(len(turn.events) for turn in turns))
        await commit(turns)

    vars(lane._commits)["commit"] = measured

    runs = await asyncio.gather(*(start(engines, engine) for _ in range(30)))

    assert {await engines.closed(run) for run in runs} == {"SUCCEEDED"}
    assert max(sizes) < 10 + len(EXPECTED)


async def test_hot_tables_have_no_foreign_keys(engines: Fleet) -> None:
    found = await engines.rows(
        "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
    )

    hot = {"events", "timers", "tasks", "inbox"}
    assert hot.isdisjoint(name for (name,) in found)
