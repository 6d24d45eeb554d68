"""The laws of redrive: for any machine, whatever it failed of, and as often as one likes."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as some

from runtime import events as ev
from runtime import stimuli as st
from runtime.evolve import evolve
from runtime.execution import Execution, Status
from runtime.limits import REDRIVE_TOKEN_LIFETIME
from runtime.stimuli import Verdict
from storage.codec import decode, encode
from tests.property.test_runtime_laws import deciding_twice
from tests.support.live import Live
from tests.support.portraits import difference
from tests.support.public_history import findings
from tests.support.punctuality import assert_punctual
from tests.support.random_walks import Walk
from tests.support.soundness import assert_owned, assert_sound
from tests.support.undone import without_the_undone

seeds = some.integers(min_value=0, max_value=2**32)
lives = settings(max_examples=40, deadline=None)


def check(it: Live) -> None:
    """Check what must hold after every stimulus."""
    assert_sound(it.execution)
    if not it.last.is_cut:
        assert_owned(it.execution)


def redriven_life(seed: int, *, is_plain: bool = False) -> Walk:
    """Live the life of a seed, with up to three redrives."""
    chance = Random(seed)
    walk = Walk(chance, is_plain, has_jsonata=not is_plain and seed % 4 == 0)
    walk.redrives = 3
    walk.run(check)
    return walk


@given(seeds)
@lives
def test_a_redriven_execution_is_sound_and_waits_for_something(seed: int) -> None:
    assert_punctual(redriven_life(seed).live.log)


@given(seeds)
@lives
def test_every_prefix_of_a_redriven_log_folds_and_is_sound(seed: int) -> None:
    it = redriven_life(seed).live
    execution = Execution(
        shard=it.execution.shard, execution_id=it.execution.execution_id
    )

    for event in decode([encode(event) for event in it.log]):
        evolve(execution, event)
        assert_sound(execution)

    assert difference(execution, it.execution) == {}


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_deciding_a_redrive_twice_gives_the_same(seed: int) -> None:
    with deciding_twice():
        redriven_life(seed)


@given(seeds)
@lives
def test_the_same_redrive_again_changes_nothing(seed: int) -> None:
    it = redriven_life(seed).live

    for token, time in it.execution.redrives.items():
        if it.now - time <= REDRIVE_TOKEN_LIFETIME:
            assert it.feed(st.Redrive(token)) == []
            assert it.last.verdict is Verdict.ACCEPTED


@given(seeds)
@lives
def test_what_has_ended_well_is_not_done_again(seed: int) -> None:
    left: set[int] = set()
    done: set[int] = set()

    for event in redriven_life(seed).live.log:
        assert event.visit not in left
        assert not isinstance(event, ev.StateEntered) or event.scope not in done
        if isinstance(event, ev.StateExited):
            left.add(event.visit)
            if event.next is None:
                done.add(event.scope)


@given(seeds)
@lives
def test_what_was_kept_reads_as_if_nothing_had_failed(seed: int) -> None:
    walk = redriven_life(seed, is_plain=True)
    it = walk.live

    found = findings(walk.definition, it.execution, without_the_undone(it.log))

    assert found == []


def test_the_redriven_lives_end_in_every_way() -> None:
    redriven = {Status.FAILED: 0, Status.ABORTED: 0, Status.TIMED_OUT: 0}
    rescued = runs = 0

    for seed in range(60):
        it = redriven_life(seed).live
        for before, event in zip(it.log, it.log[1:], strict=False):
            if isinstance(event, ev.ExecutionRedriven):
                redriven[_STATUS[type(before)]] += 1
        runs += len(it.events(ev.MapRunRedriven))
        rescued += it.execution.status is Status.SUCCEEDED and bool(
            it.execution.redrive_count
        )

    assert min(redriven.values()) > 0
    assert rescued > 3
    assert runs > 0


_STATUS: dict[type[ev.HistoryEvent], Status] = {
    ev.ExecutionFailed: Status.FAILED,
    ev.ExecutionAborted: Status.ABORTED,
    ev.ExecutionTimedOut: Status.TIMED_OUT,
}
