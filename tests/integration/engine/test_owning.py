"""Who owns a shard: the fence, take-overs, fair shares, and what is released when."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import psycopg

from engine.leases import LeaseEvents, LeaseKeeper, LeaseTimes
from scheduler.clock import SystemClock
from storage.database import connect
from storage.lane_store import connect_engine
from tests.support.fleet import Fleet, eventually
from tests.support.machines import region, task, wait
from tests.support.visitors import Visitor

SLOW = LeaseTimes(lease=30.0, renew=0.2, margin=0.2)


async def steal(engines: Fleet, shard: int) -> None:
    """Take a shard away from its holder, as another engine would."""
    await engines.rows(
        "UPDATE leases SET epoch = epoch + 1, holder = 'thief',"
        " expires_at = clock_timestamp() + interval '1 hour' WHERE shard = %s",
        shard,
    )


async def holders(engines: Fleet) -> dict[str | None, int]:
    rows = await engines.rows("SELECT holder, count(*) FROM leases GROUP BY holder")
    return dict(rows)


async def test_engine_whose_epoch_was_bumped_writes_nothing(engines: Fleet) -> None:
    engine = await engines.engine(leases=SLOW)
    machine = await engines.machine(region(task()))
    worker = Visitor(engine)
    run = await engines.start(engine, machine)
    at_work = await worker.task()
    before = await engines.history(run)
    vars(engine.leases)["_renew"] = lambda: None  # the keeper does not notice
    await steal(engines, run.shard)

    reporting = asyncio.create_task(worker.succeed(at_work))
    await eventually(lambda: run.shard not in engine.shards.epochs)

    assert await engines.history(run) == before
    await eventually(lambda: engines.rows("SELECT id FROM inbox"), why="not re-routed")
    assert await engines.rows("SELECT kind FROM inbox") == [("worker_returned",)]
    reporting.cancel()


async def test_stimulus_that_met_the_fence_reaches_the_new_holder(
    engines: Fleet,
) -> None:
    one, other = await engines.pair(leases=SLOW)
    machine = await engines.machine(region(task()))
    worker = Visitor(one)
    run = await engines.start(one, machine, held_by=one)
    at_work = await worker.task()
    vars(one.leases)["_renew"] = lambda: None
    await engines.rows(
        "UPDATE leases SET epoch = epoch + 1, holder = %s WHERE shard = %s",
        other.id,
        run.shard,
    )
    ((epoch,),) = await engines.rows(
        "SELECT epoch FROM leases WHERE shard = %s", run.shard
    )
    other.leases._held[run.shard] = epoch
    other.shards.won({run.shard: epoch})

    verdict = await worker.succeed(at_work)

    assert verdict == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"


async def test_neighbours_in_the_batch_of_a_lost_shard_are_committed(
    engines: Fleet,
) -> None:
    engine = await engines.engine(leases=SLOW, lanes=1)
    machine = await engines.machine(region(task()))
    worker = Visitor(engine)
    runs = [await engines.start(engine, machine) for _ in range(8)]
    at_work = (await worker.poll(free=8)).tasks
    while len(at_work) < 8:
        at_work += (await worker.poll(free=8)).tasks
    vars(engine.leases)["_renew"] = lambda: None
    await steal(engines, runs[0].shard)

    reports = [asyncio.create_task(worker.succeed(task)) for task in at_work]
    others = [run for run in runs if run.shard != runs[0].shard]

    assert {await engines.closed(run) for run in others} == {"SUCCEEDED"}
    assert await engines.status(runs[0]) == "RUNNING"
    for report in reports:
        report.cancel()


async def test_take_over_waits_for_the_commit_in_flight(engines: Fleet) -> None:
    shard = 7
    with connect(engines.url) as old_holder:
        old_holder.execute(
            b"SELECT FROM leases WHERE shard = 7 FOR KEY SHARE"
        )  # the fence of a commit that is in flight

        engine = await engines.engine(whole=False)
        await engines.holding(engine, engines.installation.shards - 1)
        assert shard not in engine.shards.epochs

        old_holder.commit()
        await engines.holding(engine, engines.installation.shards)


async def test_renewal_does_not_wait_for_a_commit_in_flight(engines: Fleet) -> None:
    engine = await engines.engine()
    with connect(engines.url) as lane:
        lane.execute(b"SELECT FROM leases FOR KEY SHARE")
        renewed = "SELECT min(expires_at) FROM leases"
        ((before,),) = await engines.rows(renewed)

        async def is_later() -> bool:
            ((now,),) = await engines.rows(renewed)
            return bool(now > before)

        await eventually(is_later, why="the renewal waits")
        assert engine.leases.is_certain


async def test_stealing_from_a_live_engine_breaks_nothing(engines: Fleet) -> None:
    one, other = await engines.pair()
    machine = await engines.machine(region(wait(seconds=1), task()))
    workers = [Visitor(one), Visitor(other)]
    runs = [await engines.start(one, machine) for _ in range(10)]

    async def work(worker: Visitor) -> None:
        while True:
            for given in (await worker.poll(free=4, wait=0.5)).tasks:
                await worker.succeed(given)

    async def rob() -> None:
        while True:
            await engines.rows(
                "UPDATE leases SET holder = NULL, expires_at = 'epoch', epoch = epoch + 1"
                " WHERE shard = ANY (ARRAY(SELECT (random() * 63)::integer"
                " FROM generate_series(1, 20)))"
            )
            await asyncio.sleep(0.1)

    busy = [asyncio.create_task(job) for job in (work(workers[0]), work(workers[1]))]
    busy.append(asyncio.create_task(rob()))
    try:
        ends = [await engines.closed(run) for run in runs]
    finally:
        for job in busy:
            job.cancel()
    assert ends == ["SUCCEEDED"] * 10
    for run in runs:
        assert (await engines.history(run)).count("LambdaFunctionSucceeded") == 1


async def test_engines_share_and_give_up_one_shard_at_a_time(engines: Fleet) -> None:
    one = await engines.engine()
    given_up: list[int] = []
    asks = one.life._keeper_asks

    def note(shard: int) -> None:
        given_up.append(shard)
        assert len(one.shards.epochs) >= 65 - len(given_up)
        asks(shard)

    vars(one.leases._events.__class__)  # the events are frozen: replace them whole
    one.leases._events = type(one.leases._events)(
        on_won=one.shards.won,
        on_lost=one.life._keeper_lost,
        on_give_up=note,
        on_failed=one.life._fail,
    )

    other = await engines.engine(whole=False)
    await engines.holding(other, 32)

    assert len(given_up) == len(set(given_up)) == 32
    assert await holders(engines) == {one.id: 32, other.id: 32}


async def test_a_loss_that_is_heard_of_late_spares_a_lease_won_since(
    engines: Fleet,
) -> None:
    keeper, won = keeping(engines)
    keeper._round()
    await engines.rows("UPDATE leases SET epoch = epoch + 1, holder = NULL, pid = NULL")
    keeper._round()

    keeper.lost(won[0])
    keeper._grant_wishes()
    keeper._disconnect()

    assert keeper._held == won[1] == {shard: e + 2 for shard, e in won[0].items()}


async def test_no_free_shard_waits_while_others_change_hands(engines: Fleet) -> None:
    await engines.rows(
        "INSERT INTO engines (id, started_at, expires_at, pid, host, capabilities)"
        " SELECT 'slow', now(), now() + interval '1 hour', 1, 'elsewhere', '{}'"
    )
    keeper, won = keeping(engines)
    keeper._round()
    await engines.rows("UPDATE leases SET epoch = epoch + 1, holder = NULL, pid = NULL")

    keeper._round()
    keeper._disconnect()

    assert [len(shards) for shards in won] == [32, 32]
    assert won[0].keys() | won[1].keys() == set(range(64))


def keeping(engines: Fleet) -> tuple[LeaseKeeper, list[dict[int, int]]]:
    """Make a keeper whose rounds a test calls, and the list of what it has won."""
    won: list[dict[int, int]] = []
    keeper = LeaseKeeper(
        engines.url,
        "keeper",
        clock=SystemClock(),
        times=SLOW,
        events=LeaseEvents(
            on_won=won.append, on_lost=nothing, on_give_up=nothing, on_failed=nothing
        ),
        call_soon=lambda call, *given: call(*given),
    )
    return keeper, won


def nothing(_told: object) -> None:
    """Hear nothing."""


async def test_stopped_engine_releases_everything_at_once(engines: Fleet) -> None:
    one, other = await engines.pair(leases=SLOW)

    await engines.stop(one)

    assert set(await holders(engines)) <= {None, other.id}
    assert await engines.rows("SELECT id FROM engines WHERE id = %s", one.id) == []
    await engines.holding(other, 64)


async def test_stopped_engine_wins_nothing_back(engines: Fleet) -> None:
    engine = await engines.engine()

    await engines.stop(engine)

    assert await holders(engines) == {None: 64}


async def test_leases_of_a_dead_process_are_freed_at_once(engines: Fleet) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    engine = await engines.engine(leases=SLOW)
    host = engine.leases._host
    await engines.stop(engine)
    await engines.rows(
        "INSERT INTO engines (id, started_at, expires_at, pid, host, capabilities)"
        " SELECT 'dead', now(), now() + interval '1 hour', %s, %s, '{}'",
        dead.pid,
        host,
    )
    await engines.rows(
        "UPDATE leases SET holder = 'dead', pid = %s,"
        " expires_at = clock_timestamp() + interval '1 hour'",
        dead.pid,
    )

    await engines.engine(leases=SLOW)

    assert await engines.rows("SELECT id FROM engines WHERE id = 'dead'") == []


async def test_leases_of_a_live_process_are_left_until_they_expire(
    engines: Fleet,
) -> None:
    first = await engines.engine()
    host = first.leases._host
    await engines.stop(first)
    await engines.rows(
        "INSERT INTO engines (id, started_at, expires_at, pid, host, capabilities)"
        " SELECT 'silent', now(), now(), %s, %s, '{}'",
        os.getpid(),
        host,
    )
    await engines.rows(
        "UPDATE leases SET holder = 'silent',"
        " expires_at = clock_timestamp() + interval '1 hour' WHERE shard < 10"
    )

    engine = await engines.engine(whole=False)
    await engines.holding(engine, 54)
    await engines.rows("UPDATE leases SET expires_at = now() WHERE holder = 'silent'")
    await engines.holding(engine, 64)


async def test_nobody_steals_within_a_lease_of_the_servers_start(
    engines: Fleet,
) -> None:
    await engines.rows(
        "UPDATE leases SET holder = 'away', expires_at = 'epoch' WHERE shard < 10"
    )
    patient = LeaseTimes(lease=1e6, renew=0.1, margin=0.1)

    engine = await engines.engine(whole=False, leases=patient)
    await engines.holding(engine, 54)

    assert (await holders(engines))["away"] == 10


async def test_engine_renews_its_own_epoch_after_an_outage(engines: Fleet) -> None:
    engine = await engines.engine()
    epochs = dict(engine.shards.epochs)
    await engines.rows("UPDATE leases SET expires_at = 'epoch'")

    async def are_renewed() -> bool:
        late = "SELECT shard FROM leases WHERE expires_at < clock_timestamp()"
        return not await engines.rows(late)

    await eventually(are_renewed)

    assert engine.shards.epochs == epochs


async def test_shard_given_up_and_won_again_works(engines: Fleet) -> None:
    engine = await engines.engine()
    machine = await engines.machine(region(wait(seconds=1), task()))
    run = await engines.start(engine, machine)
    await engines.happened(run, "WaitStateEntered")

    await steal(engines, run.shard)
    await eventually(lambda: run.shard not in engine.shards.epochs)
    await engines.rows(
        "UPDATE leases SET holder = NULL, expires_at = 'epoch' WHERE holder = 'thief'"
    )

    worker = Visitor(engine)
    assert await worker.succeed(await worker.task()) == "accepted"
    assert await engines.closed(run) == "SUCCEEDED"


async def test_zombie_lets_no_task_go(engines: Fleet) -> None:
    engine = await engines.engine(leases=SLOW)
    machine = await engines.machine(region(task()))
    worker = Visitor(engine)
    await worker.poll(wait=0)
    engine.leases._certain_until = 0.0  # as after a long sleep
    vars(engine.leases)["_certify"] = lambda _until: None

    run = await engines.start(engine, machine)
    await engines.happened(run, "LambdaFunctionStarted")
    answer = await worker.poll(wait=0.3)

    assert answer.tasks == ()
    engine.leases._certain_until = engine.clock.monotonic() + 60
    assert (await worker.task()).function == "work"


async def test_every_shard_belongs_to_one_lane(engines: Fleet) -> None:
    engine = await engines.engine(lanes=3)

    held = [shard for lane in engine.lanes for shard in lane._commits.tenure.epochs]

    assert sorted(held) == sorted(engine.shards.epochs)


async def test_session_of_a_lane_is_durable_and_ends_within_its_lease(
    clean_database: str,
) -> None:
    connection = await connect_engine(clean_database, lease_seconds=2.0, name="lane")
    async with connection:
        cursor = await connection.execute(
            "SELECT current_setting('synchronous_commit'),"
            " current_setting('idle_in_transaction_session_timeout')"
        )

        assert await cursor.fetchone() == ("on", "2s")


async def test_engines_know_how_many_they_are(engines: Fleet) -> None:
    one, other = await engines.pair()

    await eventually(lambda: (one.living(), other.living()) == (2, 2))
    await engines.stop(other)

    await eventually(lambda: one.living() == 1)


async def test_a_release_that_the_database_did_not_hear_is_made_again(
    engines: Fleet,
) -> None:
    engine = await engines.engine()
    execute = engine.leases._execute
    failed: list[str] = []

    def fail_once(name: str, parameters: dict[str, Any]) -> Any:
        if name == "release" and not failed:
            failed.append(name)
            raise psycopg.OperationalError("the connection is lost")
        return execute(name, parameters)

    vars(engine.leases)["_execute"] = fail_once

    await engine.life._give_up({7})

    await eventually(lambda: 7 in engine.shards.epochs, why="worked for by nobody")
    assert failed == ["release"]


NOTING = """
    CREATE TABLE noted (what text, how text);
    GRANT SELECT, INSERT ON noted TO PUBLIC;
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO noted VALUES (TG_ARGV[0], current_setting('synchronous_commit'));
        RETURN NEW;
    END $$;
    CREATE TRIGGER noted BEFORE INSERT OR UPDATE ON engines
        FOR EACH ROW EXECUTE FUNCTION note('beat');
    CREATE TRIGGER renewed BEFORE UPDATE ON leases FOR EACH ROW
        WHEN (NEW.epoch = OLD.epoch AND NEW.holder IS NOT NULL)
        EXECUTE FUNCTION note('renewal');
    CREATE TRIGGER bumped BEFORE UPDATE ON leases FOR EACH ROW
        WHEN (NEW.epoch <> OLD.epoch) EXECUTE FUNCTION note('bump');
"""


async def test_only_a_bump_of_an_epoch_waits_for_the_disk(own: Fleet) -> None:
    """A slow disk must not cost the leases; a bump that is forgotten could give one twice."""
    await own.own(NOTING)
    await own.engine()

    async def noted() -> set[tuple[str, str]]:
        return set(await own.rows("SELECT DISTINCT what, how FROM noted"))

    async def all_noted() -> bool:
        return len(await noted()) == 3

    await eventually(all_noted)

    assert await noted() == {("beat", "off"), ("renewal", "off"), ("bump", "on")}
