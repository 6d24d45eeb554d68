"""Deterministic simulation: whole worlds in which everything goes wrong, from seeds.

Real lanes work over a simulated database whose commits are refused, lost or of unknown
outcome; engines are killed and lose their leases, workers die, answers come late and twice.
After every commit the log must fold to the live state and own what makes it go on; the
ledger outside must show each attempt once; at the end every execution must be closed.

A failure prints its seed: `pytest tests/simulation --seed N` lives that world again.
`--histories N` asks for more of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from unittest import mock

import pytest
import structlog

from runtime import advance as advancing
from runtime import redrive as redriving
from runtime.execution import Status
from runtime.limits import Limits
from tests.simulation.virtual_loop import run
from tests.simulation.world import Plan, World
from tests.support.public_history import checker_path, findings
from tests.support.undone import without_the_undone

PLAN = Plan()
BLOCKS = 40
HISTORIES = 20_000
FEW = 240
CHECKED = 10  # every so manieth world is shown to the black-box checker


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """Leave out the warnings of lanes: here trouble is the ordinary case."""
    before = structlog.get_config()
    silent = structlog.make_filtering_bound_logger(50)
    structlog.configure(wrapper_class=silent)
    yield
    structlog.configure(**before)


def live_through(seed: int, plan: Plan = PLAN) -> World:
    """Live one world to its end, and check what it leaves."""
    world = World(seed, plan, is_plain=seed % 2 == 0)
    cut = world.chance.choice((500, 500, 8, 1))
    longest = world.chance.choice((25_000, 25_000, 25_000, 40))
    world.limits = Limits(history_events=longest)
    try:
        with (
            mock.patch.object(advancing, "MAX_TURN_EVENTS", cut),
            mock.patch.object(redriving, "MAX_EVENTS_FOR_REDRIVE", longest - 1),
        ):
            run(world.live())
        if world.is_plain and seed % CHECKED == 0 and checker_path() is not None:
            check_histories(world)
    except BaseException as error:
        error.add_note(f"again: pytest tests/simulation --seed {seed}")
        raise
    return world


def check_histories(world: World) -> None:
    """Ask the black-box checker."""
    for record in world.vault.records.values():
        definition = world.definitions[record.machine]
        counted = without_the_undone(record.log)
        assert findings(definition, record.shadow, counted) == []


def live_through_many(first: int, histories: int) -> Counter[str]:
    """Live many worlds; return how their executions ended."""
    ends: Counter[str] = Counter()
    for seed in range(first, first + -(-histories // PLAN.executions)):
        world = live_through(seed)
        ends.update(record.status.value for record in world.vault.records.values())
    return ends


def test_a_few_worlds_keep_their_promises(request: pytest.FixtureRequest) -> None:
    seed = request.config.getoption("--seed")
    if seed is not None:
        live_through(seed)
        return

    ends = live_through_many(0, FEW)

    assert set(ends) == set(Status) - {Status.RUNNING}
    assert ends.total() >= FEW


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
def test_many_worlds_keep_their_promises(
    block: int, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--seed") is not None:
        pytest.skip("one seed was asked for")
    each = -(-request.config.getoption("--histories") // BLOCKS)

    ends = live_through_many(1_000_000 * (block + 1), each)

    assert ends.total() >= each
    assert not ends[Status.RUNNING]


def test_a_seed_names_a_world() -> None:
    first, second = live_through(11), live_through(11)

    assert [record.rows for record in first.vault.records.values()] == [
        record.rows for record in second.vault.records.values()
    ]
    assert list(first.ledger) == list(second.ledger)
    assert first.vault.commits == second.vault.commits


def test_a_poisoned_execution_is_set_aside_and_its_neighbours_go_on() -> None:
    set_aside = 0

    for seed in range(12):
        world = live_through(seed, Plan(poisoned=2))
        for record in world.vault.records.values():
            assert record.status is not Status.RUNNING or record.is_poison
            set_aside += record.is_set_aside

    assert set_aside > 5
