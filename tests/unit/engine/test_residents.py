"""The executions that a lane has in memory."""

from __future__ import annotations

from engine.residents import Residents
from engine.work import Resident, Stimulation
from runtime import stimuli as st
from tests.support.live import live
from tests.support.machines import machine, pass_on


def test_an_execution_that_came_anew_keeps_its_turn_when_the_old_one_is_forgotten() -> (
    None
):
    it, residents = live(machine(pass_on())), Residents(1_000_000)
    old, new = (Resident(it.execution, it.machine, 0) for _ in range(2))
    residents.add(old)
    residents.drop_shards({it.execution.shard})
    new.queue.append(Stimulation(st.Begin()))
    residents.add(new)

    residents.forget(old)

    assert residents.next_runnable() is new
