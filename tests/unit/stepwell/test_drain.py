"""How a worker ends: it claims nothing more, finishes what runs, and says goodbye."""

from tests.unit.stepwell.scripted_server import (
    Exchange,
    ScriptedServer,
    delivery,
    see_off,
    serving,
)
from tests.unit.stepwell.test_worker import Gate


async def test_a_drain_finishes_what_runs_and_says_goodbye(
    server: ScriptedServer,
) -> None:
    gate = Gate()
    async with serving(server, gate.function) as (worker, running):
        (await server.poll()).deliver(delivery("t1"))
        await gate.until_begun()
        await server.poll()  # waits on the server, and is broken off by the drain
        worker.stop()
        told = await server.poll()
        told.deliver()
        gate.open.set()
        (await server.report()).accept()
        last = await _until_empty(server)
        last.deliver()
        bye = await server.bye()
        bye.reply({})
        is_finished = await running

    assert (told.request["free"], told.request["inventory"]) == (0, ["t1"])
    assert (last.request["free"], last.request["inventory"]) == (0, [])
    assert bye.request == {"session": worker.session_id, "returned": []}
    assert is_finished


async def test_what_was_on_its_way_is_run_before_the_goodbye(
    server: ScriptedServer,
) -> None:
    gate = Gate()
    gate.open.set()
    async with serving(server, gate.function) as (worker, running):
        await server.poll()
        worker.stop()
        (await server.poll()).deliver(delivery("late"))
        (await server.report()).accept()
        (await server.poll()).deliver()
        await see_off(server, running)

    assert len(gate.runs) == 1
    assert running.result()


async def test_an_idle_worker_leaves_a_server_that_is_gone(
    server: ScriptedServer,
) -> None:
    gate = Gate()
    async with serving(server, gate.function) as (worker, running):
        await server.poll()
        await server.close()
        worker.stop()
        is_finished = await running

    assert is_finished


async def test_a_second_stop_gives_up_what_runs(server: ScriptedServer) -> None:
    gate = Gate()
    async with serving(server, gate.function) as (worker, running):
        (await server.poll()).deliver(delivery("t1"))
        await gate.until_begun()
        worker.stop()
        worker.stop()
        report = await server.report()
        report.accept()
        (await server.bye()).reply({})
        is_finished = await running
        gate.open.set()

    assert report.results["t1"]["error"] == "Lambda.Unknown"
    assert not is_finished


async def test_the_drain_has_an_end_and_returns_what_was_not_begun(
    server: ScriptedServer,
) -> None:
    gate = Gate()
    async with serving(server, gate.function, concurrency=1, drain_seconds=0.05) as (
        worker,
        running,
    ):
        (await server.poll()).deliver(delivery("t1"), delivery("t2"))
        await gate.until_begun()
        worker.stop()
        report = await server.report()
        report.accept()
        bye = await server.bye()
        bye.reply({})
        is_finished = await running
        gate.open.set()

    assert list(report.results) == ["t1"]
    assert bye.request["returned"] == ["t2"]
    assert len(gate.runs) == 1
    assert not is_finished


async def _until_empty(server: ScriptedServer) -> Exchange:
    poll = await server.poll()
    while poll.request["inventory"]:
        poll.deliver()
        poll = await server.poll()
    return poll
