"""The laws of the core: they hold for any machine and any order of what comes.

Hypothesis chooses the seeds of random machines and random lives; a failure prints one, and
`random_life(SEED)` lives it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as some

from asl.model import Machine
from asl.parse import parse_machine
from runtime import advance as advancing
from runtime import events as ev
from runtime import stimuli as st
from runtime.chance import SeededEntropy
from runtime.decide import decide
from runtime.evolve import evolve
from runtime.execution import Execution, Status
from runtime.react import Reaction, react
from runtime.stimuli import Verdict
from runtime.turn import Turn
from storage.codec import decode, encode
from tests.support.live import Live, live_before_its_first_turn
from tests.support.portraits import difference, portrait
from tests.support.public_history import findings
from tests.support.punctuality import assert_punctual
from tests.support.random_machines import random_definition, random_input
from tests.support.random_walks import Walk
from tests.support.soundness import assert_owned, assert_sound

_STEPS = (
    ev.Started,
    ev.Succeeded,
    ev.TaskFailed,
    ev.TaskStartFailed,
    ev.TaskTimedOut,
    ev.LambdaFunctionFailed,
    ev.LambdaFunctionTimedOut,
    ev.ActivityFailed,
    ev.ActivityTimedOut,
)
seeds = some.integers(min_value=0, max_value=2**32)
lives = settings(max_examples=80, deadline=None)


def nothing(_live: Live) -> None:
    """Check no more than what every stimulus checks: the log folds to the execution."""


def random_life(
    seed: int, *, is_plain: bool = False, has_jsonata: bool = False
) -> Walk:
    """Live the life of a seed."""
    walk = Walk(Random(seed), is_plain, has_jsonata)
    walk.run(nothing)
    return walk


@given(seeds)
@lives
def test_an_execution_is_sound_and_waits_for_something(seed: int) -> None:
    def check(it: Live) -> None:
        assert_sound(it.execution)
        if not it.last.is_cut:
            assert_owned(it.execution)

    Walk(Random(seed)).run(check)


@given(seeds)
@lives
def test_every_prefix_of_a_log_folds_and_is_sound(seed: int) -> None:
    it = random_life(seed).live
    execution = Execution(
        shard=it.execution.shard, execution_id=it.execution.execution_id
    )

    for event in decode([encode(event) for event in it.log]):
        evolve(execution, event)
        assert_sound(execution)

    assert difference(execution, it.execution) == {}


@given(seeds)
@lives
def test_reading_back_what_was_written_is_identity(seed: int) -> None:
    log = random_life(seed).live.log

    assert decode([encode(event) for event in log]) == log


@given(seeds)
@lives
def test_the_rows_of_a_log_that_was_read_back_are_the_same(seed: int) -> None:
    rows = [encode(event) for event in random_life(seed).live.log]

    assert [encode(event) for event in decode(rows)] == rows


@contextmanager
def deciding_twice() -> Iterator[list[int]]:
    """Make every decision twice, from equal turns, and compare."""
    decided: list[int] = []

    def fresh(turn: Turn) -> Turn:
        return replace(turn, entropy=SeededEntropy(b"again"))

    def decide_twice(
        machine: Machine, execution: Execution, scope_id: int, turn: Turn
    ) -> list[ev.HistoryEvent]:
        before = portrait(execution)
        first = decide(machine, execution, scope_id, fresh(turn))
        assert portrait(execution) == before
        assert decide(machine, execution, scope_id, fresh(turn)) == first
        decided.append(scope_id)
        return first

    def react_twice(
        machine: Machine, execution: Execution, stimulus: st.Stimulus, turn: Turn
    ) -> Reaction:
        before = portrait(execution)
        first = react(machine, execution, stimulus, fresh(turn))
        assert portrait(execution) == before
        assert react(machine, execution, stimulus, fresh(turn)) == first
        return first

    with (
        mock.patch.object(advancing, "decide", decide_twice),
        mock.patch.object(advancing, "react", react_twice),
    ):
        yield decided


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_deciding_twice_gives_the_same_decision_and_changes_nothing(seed: int) -> None:
    with deciding_twice() as decided:
        random_life(seed)

    assert decided


@given(seeds)
@lives
def test_a_stimulus_that_comes_again_changes_nothing(seed: int) -> None:
    walk = Walk(Random(seed))
    feed = walk.live.feed
    assert walk.definition

    def check(it: Live) -> None:
        last = walk.past[-1]
        if it.last.is_cut or not it.execution.is_open:
            return
        again = feed(last)
        beat = isinstance(last, st.Heartbeat | st.Begin | st.Continue)
        assert again == []
        assert beat or it.last.verdict is Verdict.CLOSED or it.last.rearm is not None

    walk.run(check)


@given(seeds)
@lives
def test_time_never_goes_back_and_nobody_is_woken_early(seed: int) -> None:
    assert_punctual(random_life(seed).live.log)


@given(seeds)
@lives
def test_ids_have_no_gap_and_the_end_is_the_end(seed: int) -> None:
    it = random_life(seed).live

    ends = (
        ev.ExecutionSucceeded,
        ev.ExecutionFailed,
        ev.ExecutionTimedOut,
        ev.ExecutionAborted,
    )
    assert [event.id for event in it.log] == list(range(1, len(it.log) + 1))
    assert [isinstance(event, ends) for event in it.log].index(True) == len(it.log) - 1
    assert all(event.previous_id < event.id for event in it.log)


@given(seeds)
@lives
def test_each_attempt_has_one_start_and_one_outcome_at_most(seed: int) -> None:
    log = random_life(seed).live.log
    attempts: dict[int, list[str]] = {}
    open_in: dict[int, int] = {}

    for event in log:
        if isinstance(event, ev.Scheduled):
            open_in[event.visit] = event.id
            attempts[event.id] = []
        elif isinstance(event, _STEPS):
            attempts[open_in[event.visit]].append(type(event).__name__)

    for steps in attempts.values():
        kinds = ["start" if step.endswith("Started") else "outcome" for step in steps]
        assert kinds in ([], ["start"], ["outcome"], ["start", "outcome"])


@given(seeds)
@lives
def test_the_black_box_checker_finds_nothing(seed: int) -> None:
    walk = random_life(seed, is_plain=True)

    found = findings(walk.definition, walk.live.execution, walk.live.log)

    assert found == []


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_the_laws_hold_for_expressions_that_fail(seed: int) -> None:
    def check(it: Live) -> None:
        assert_sound(it.execution)
        if not it.last.is_cut:
            assert_owned(it.execution)

    walk = Walk(Random(seed), has_jsonata=True)
    with mock.patch("asl.jsonata.rust.MAX_MILLISECONDS", 60_000), deciding_twice():
        walk.run(check)

    assert_punctual(walk.live.log)


@given(seeds)
@example(493)
@settings(max_examples=50, deadline=None)
def test_where_the_turns_are_cut_makes_no_difference(seed: int) -> None:
    """Chance, which every turn draws anew, is the same in all of them here."""
    whole, cut = (live_of(seed) for _ in range(2))
    chance = mock.patch.object(SeededEntropy, "_draw", return_value=bytes(16))
    with chance:
        whole.feed(st.Begin())

    with chance, mock.patch.object(advancing, "MAX_TURN_EVENTS", 1):
        cut.feed(st.Begin())
        while cut.last.is_cut:
            cut.feed(st.Continue())

    assert cut.log == whole.log


def live_of(seed: int) -> Live:
    """Start an execution of a random machine."""
    chance = Random(seed)
    machine = parse_machine(json.dumps(random_definition(chance)))
    return live_before_its_first_turn(machine, random_input(chance))


@given(seeds)
@settings(max_examples=15, deadline=None)
def test_a_seed_names_a_life(seed: int) -> None:
    assert random_life(seed).live.log == random_life(seed).live.log


def test_the_random_lives_see_everything() -> None:
    types: set[str] = set()
    statuses: set[Status] = set()

    for seed in range(120):
        it = random_life(seed).live
        types |= set(it.types)
        statuses.add(it.execution.status)
        types |= set(random_life(seed, has_jsonata=seed % 5 == 0).live.types)

    unknown = {name for name in ev.EVENT_TYPES if name not in types}
    assert statuses == set(Status) - {Status.RUNNING}
    assert unknown <= {
        "ActivityScheduleFailed",
        "ExecutionRedriven",
        "LambdaFunctionScheduleFailed",
        "LambdaFunctionStartFailed",
        "MapRunAborted",
        "MapRunFailed",
        "MapRunRedriven",
        "MapRunStarted",
        "MapRunSucceeded",
        "TaskSubmitFailed",
    }
