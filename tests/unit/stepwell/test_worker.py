"""The worker against a server that scripts the protocol, over real HTTP."""

import asyncio
import socket
import threading

import stepwell
from tests.unit.stepwell.scripted_server import ScriptedServer, delivery, serving


@stepwell.task("work")
def work(event: object) -> object:
    return {"plain": event}


@stepwell.task("async-work")
async def async_work(event: object) -> object:
    await asyncio.sleep(0)
    return {"async": event}


class Gate:
    """A function that counts its runs and waits to be let go."""

    def __init__(self) -> None:
        self.runs: list[object] = []
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()

        @stepwell.task("work")
        def function(event: object) -> object:
            self.runs.append(event)
            self.begun.release()
            self.open.wait(20)
            return event

        self.function = function

    async def until_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, timeout=20)


async def test_the_first_poll_says_who_the_worker_is(server: ScriptedServer) -> None:
    async with serving(server, work, concurrency=5, name="me") as (worker, _):
        poll = await server.poll()

    assert poll.path == "/stepwell/v1/worker/poll"
    assert poll.request == {
        "session": worker.session_id,
        "name": "me",
        "functions": ["work"],
        "free": 5,
        "inventory": [],
        "wait": 5,
    }


async def test_plain_and_async_functions_are_served(server: ScriptedServer) -> None:
    async with serving(server, work, async_work):
        (await server.poll()).deliver(
            delivery("t1", input=1), delivery("t2", "async-work", input=[2])
        )
        results: dict[str, object] = {}
        while len(results) < 2:
            report = await server.report()
            results |= report.results
            report.accept()

    assert results == {
        "t1": {"token": "t1", "output": {"plain": 1}},
        "t2": {"token": "t2", "output": {"async": [2]}},
    }


async def test_numbers_travel_exactly(server: ScriptedServer) -> None:
    async with serving(server, work):
        (await server.poll()).deliver(delivery("t1", input=2**70))
        report = await server.report()

    assert report.results["t1"]["output"] == {"plain": 2**70}


async def test_a_token_delivered_twice_runs_once(server: ScriptedServer) -> None:
    gate = Gate()
    async with serving(server, gate.function):
        (await server.poll()).deliver(delivery("t1"), delivery("t1"))
        await gate.until_begun()
        again = await server.poll()
        again.deliver(delivery("t1"), delivery("t2", input="other"))
        await gate.until_begun()
        gate.open.set()

    assert again.request["inventory"] == ["t1"]
    assert gate.runs == [None, "other"]


async def test_a_lost_delivery_is_taken_when_it_comes_again(
    server: ScriptedServer,
) -> None:
    async with serving(server, work):
        (await server.poll()).drop()
        second = await server.poll()
        second.deliver(delivery("t1", input="once more"))
        report = await server.report()

    assert second.request["inventory"] == []
    assert report.results["t1"]["output"] == {"plain": "once more"}


async def test_an_answer_that_is_not_json_is_asked_for_again(
    server: ScriptedServer,
) -> None:
    async with serving(server, work):
        (await server.poll()).reply(b"<html>")
        (await server.poll()).reply({"message": "starting"}, status=503)
        (await server.poll()).deliver(delivery("t1"))
        report = await server.report()

    assert list(report.results) == ["t1"]


async def test_a_result_stays_in_hand_until_it_is_answered(
    server: ScriptedServer,
) -> None:
    async with serving(server, work):
        (await server.poll()).deliver(delivery("t1"))
        (await server.report()).drop()
        (await server.poll()).deliver()
        again = await server.report()
        during = await server.poll()
        again.accept()

    assert list(again.results) == ["t1"]
    assert during.request["inventory"] == ["t1"]


async def test_a_token_let_go_of_is_refused(server: ScriptedServer) -> None:
    gate = Gate()
    gate.open.set()
    async with serving(server, gate.function):
        (await server.poll()).deliver(delivery("t1"))
        (await server.report()).accept()
        (await server.poll()).deliver()
        poll = await server.poll()
        poll.deliver(delivery("t1"))
        refusal = await server.report()

    assert poll.request["inventory"] == []
    assert refusal.results["t1"]["error"] == "Lambda.Unknown"
    assert len(gate.runs) == 1


async def test_an_older_epoch_is_ignored_until_the_owner_delivers(
    server: ScriptedServer,
) -> None:
    async with serving(server, work):
        (await server.poll()).deliver(delivery("t1", epoch=7))
        (await server.report()).accept()
        (await server.poll()).deliver(delivery("t2", epoch=6))
        after = await server.poll()
        after.deliver(delivery("t2", epoch=7), delivery("t3", shard=2, epoch=1))
        reported: set[str] = set()
        while len(reported) < 2:
            report = await server.report()
            reported |= set(report.results)
            report.accept()

    assert "t2" not in after.request["inventory"]
    assert reported == {"t2", "t3"}


async def test_what_ends_during_a_report_goes_into_the_next(
    server: ScriptedServer,
) -> None:
    async with serving(server, work):
        (await server.poll()).deliver(delivery("t1"))
        first = await server.report()
        (await server.poll()).deliver(delivery("t2"))
        (await server.poll()).deliver(delivery("t3"))
        third = await server.poll()
        first.accept()
        reported: set[str] = set()
        while len(reported) < 2:
            report = await server.report()
            reported |= set(report.results)
            report.accept()

    assert set(first.results) == {"t1"}
    assert set(third.request["inventory"]) >= {"t1"}
    assert reported == {"t2", "t3"}


async def test_a_result_the_server_will_not_take_does_not_hold_up_others(
    server: ScriptedServer,
) -> None:
    tokens = [f"t{number}" for number in range(8)]
    taken: set[str] = set()
    async with serving(server, work):
        (await server.poll()).deliver(*(delivery(token) for token in tokens))
        while len(taken) < 7:
            report = await server.report()
            if "t5" in report.results:
                report.reply({"message": "no"}, status=400)
            else:
                taken |= set(report.results)
                report.accept()

    assert taken == set(tokens) - {"t5"}


async def test_a_function_nobody_serves_here_is_refused(server: ScriptedServer) -> None:
    async with serving(server, work):
        (await server.poll()).deliver(delivery("t1", "unheard-of"))
        report = await server.report()

    assert report.results["t1"]["error"] == "Lambda.Unknown"
    assert "unheard-of" in report.results["t1"]["cause"]


async def test_a_blocked_loop_silences_neither_polls_nor_heartbeats(
    server: ScriptedServer,
) -> None:
    release = threading.Event()

    @stepwell.task("work")
    async def blocks(event: object) -> None:
        stepwell.context().heartbeat()
        release.wait(20)

    async with serving(server, blocks, concurrency=3):
        (await server.poll()).deliver(delivery("t1"))
        beat = await server.report()
        poll = await server.poll()
        release.set()

    assert beat.request["heartbeats"] == ["t1"]
    assert (poll.request["inventory"], poll.request["free"]) == (["t1"], 2)


async def test_a_heartbeat_may_be_awaited(server: ScriptedServer) -> None:
    @stepwell.task("work")
    async def beats(event: object, context: stepwell.Context) -> str:
        await context.heartbeat()
        context.heartbeat()
        await asyncio.Event().wait()
        return "never"

    async with serving(server, beats):
        (await server.poll()).deliver(delivery("t1"))
        report = await server.report()

    assert report.request == report.request | {"results": [], "heartbeats": ["t1"]}


async def test_an_async_function_is_cancelled(server: ScriptedServer) -> None:
    @stepwell.task("work")
    async def waits(event: object) -> None:
        stepwell.context().heartbeat()
        await asyncio.Event().wait()

    async with serving(server, waits):
        (await server.poll()).deliver(delivery("t1"))
        (await server.report()).accept(cancelled=["t1"])
        report = await server.report()

    assert report.results["t1"]["error"] == "CancelledError"


async def test_a_plain_function_can_see_that_it_is_cancelled(
    server: ScriptedServer,
) -> None:
    begun = threading.Event()

    @stepwell.task("work")
    def watches(event: object) -> str:
        begun.set()
        while not stepwell.context().cancelled:
            threading.Event().wait(0.001)
        return "saw it"

    async with serving(server, watches):
        (await server.poll()).deliver(delivery("t1"))
        await asyncio.to_thread(begun.wait, 20)
        (await server.poll()).deliver(cancelled=["t1", "unknown"])
        report = await server.report()

    assert report.results["t1"]["output"] == "saw it"


async def test_a_result_keeps_its_slot_until_it_is_answered(
    server: ScriptedServer,
) -> None:
    async with serving(server, work, concurrency=2):
        (await server.poll()).deliver(delivery("t1"))
        report = await server.report()
        (await server.poll()).deliver()
        before = await server.poll()
        report.accept()
        before.deliver()
        after = await server.poll()
        while after.request["inventory"]:
            after.deliver()
            after = await server.poll()

    assert (before.request["free"], after.request["free"]) == (1, 2)


async def test_no_more_async_functions_run_at_once_than_told(
    server: ScriptedServer,
) -> None:
    running: list[object] = []
    most: list[int] = []

    @stepwell.task("work")
    async def counts(event: object) -> None:
        running.append(event)
        most.append(len(running))
        await asyncio.sleep(0)
        running.remove(event)

    async with serving(server, counts, concurrency=2):
        (await server.poll()).deliver(
            *(delivery(f"t{number}", input=number) for number in range(9))
        )
        ended = 0
        while ended < 9:
            report = await server.report()
            ended += len(report.results)
            report.accept()

    assert max(most) == 2


async def test_a_server_that_is_away_is_waited_for(listener: socket.socket) -> None:
    server = ScriptedServer(listener)
    async with serving(server, work) as (worker, running):
        refused = asyncio.create_task(_until_refused(server.endpoint))
        await refused
        await server.open()
        poll = await server.poll()

    assert poll.request["session"] == worker.session_id
    assert running.done()


async def _until_refused(endpoint: str) -> None:
    host, port = endpoint.removeprefix("http://").split(":")
    try:
        await asyncio.open_connection(host, int(port))
    except ConnectionRefusedError:
        return
    raise AssertionError("somebody listens already")
