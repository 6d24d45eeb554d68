"""Advance residents in memory: stimuli in, a turn to be committed out.

Each execution's advance is its own error boundary: what one of them throws is the business
of its quarantine, not of its neighbours.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from asl.model import Entropy
from engine.work import QuarantinedError, Resident, Stimulation, TurnDone
from runtime import stimuli as st
from runtime.advance import advance
from runtime.chance import SeededEntropy
from runtime.events import HistoryEvent
from runtime.evolve import forget_changes
from runtime.execution import TimerKey, TimerKind
from runtime.journal import Entry, entry_of
from runtime.limits import DEFAULTS, Limits
from runtime.stimuli import Verdict
from runtime.tokens import TokenSigner
from runtime.turn import Turn, every_activity, no_machine

MAX_STIMULI = 100
_SEED_BYTES = 64


def _unforeseeable() -> Entropy:
    return SeededEntropy(os.urandom(_SEED_BYTES))


@dataclass(slots=True)
class Taker:
    """Advances residents with one time and one source of chance, drawn anew in each process.

    `claim` and `unclaim` reserve and give back the slots of workers. Heartbeats count from
    `heard_since` at the earliest: before, nobody was there to hear them.
    """

    now: datetime
    heard_since: datetime
    region: str
    signer: TokenSigner
    claim: Callable[[str], str | None]
    unclaim: Callable[[str], None]
    has_activity: Callable[[str], bool] = every_activity
    is_deleting: Callable[[str], bool] = no_machine
    limits: Limits = DEFAULTS
    entropy: Entropy = field(default_factory=_unforeseeable)
    _claims: list[str] = field(default_factory=list)
    _taken: list[Stimulation] = field(default_factory=list)

    def turn(self) -> Turn:
        """Make the outside of this batch's advances."""
        return Turn(
            now=self.now,
            entropy=self.entropy,
            signer=self.signer,
            claim=self._reserve,
            has_activity=self.has_activity,
            is_deleting=self.is_deleting,
            region=self.region,
            limits=self.limits,
        )

    def _reserve(self, function: str) -> str | None:
        worker = self.claim(function)
        if worker is not None:
            self._claims.append(worker)
        return worker

    def take(self, resident: Resident, turn: Turn) -> TurnDone:
        """Apply what waits for a resident; gives its reservations back when that throws."""
        self._claims = []
        self._taken = []
        try:
            return self._take(resident, turn)
        except Exception:
            for worker in self._claims:
                self.unclaim(worker)
            for stimulation in self._taken:
                stimulation.tell(QuarantinedError())
            raise

    def _take(self, resident: Resident, turn: Turn) -> TurnDone:
        execution = resident.execution
        before = execution.tasks.copy() if execution.tasks else {}
        events: list[HistoryEvent] = []
        taken: list[tuple[Stimulation, Verdict]] = []
        rearmed: dict[TimerKey, datetime] = {}
        is_cut = False
        while resident.queue and len(taken) < MAX_STIMULI and not is_cut:
            stimulation = resident.queue.popleft()
            self._taken.append(stimulation)
            stimulus = self._with_beat(resident, stimulation.stimulus)
            done = advance(resident.machine, execution, stimulus, turn)
            events += done.events
            taken.append((stimulation, done.verdict))
            resident.size += done.size
            if done.rearm is not None and stimulation.timer is not None:
                rearmed[stimulation.timer] = turn.now + done.rearm
            if isinstance(stimulus, st.Heartbeat) and done.verdict is Verdict.ACCEPTED:
                resident.beats[stimulus.scheduled_id] = turn.now
            is_cut = done.is_cut
        if is_cut:
            taken += _spare_continues(resident)
        entry = entry_of(execution, events)
        entry.is_cut = is_cut
        # What was closed since is gone; what was opened since is due as it says itself.
        opened = dict(entry.opened_timers)
        kept = {key: due for key, due in rearmed.items() if key in execution.timers}
        entry.opened_timers = [*(kept | opened).items()]
        consume(taken, set(kept), entry)
        closed = [before[task] for task in execution.closed_tasks if task in before]
        forget_changes(execution)
        for task in closed:
            resident.beats.pop(task.scheduled_id, None)
        return TurnDone(resident, entry, taken, events, self._claims, closed)

    def _with_beat(self, resident: Resident, stimulus: st.Stimulus) -> st.Stimulus:
        """Tell a heartbeat timer of the latest beat."""
        if (
            not isinstance(stimulus, st.TimerFired)
            or stimulus.kind is not TimerKind.HEARTBEAT
        ):
            return stimulus
        beat = resident.beats.get(stimulus.event_id, self.heard_since)
        latest = max(beat, self.heard_since)
        return st.TimerFired(stimulus.event_id, stimulus.kind, last_heartbeat=latest)


def _spare_continues(resident: Resident) -> list[tuple[Stimulation, Verdict]]:
    """Take what else asks for a continuation: a cut turn writes one, however many ask."""
    spare = [s for s in resident.queue if isinstance(s.stimulus, st.Continue)]
    if spare:
        others = [s for s in resident.queue if not isinstance(s.stimulus, st.Continue)]
        resident.queue.clear()
        resident.queue.extend(others)
    return [(stimulation, Verdict.ACCEPTED) for stimulation in spare]


def consume(
    taken: list[tuple[Stimulation, Verdict]], rearmed: set[TimerKey], entry: Entry
) -> None:
    """Consume inbox rows and fired timers with the turn, also where it decided nothing."""
    consumed: list[int] = []
    verdicts: list[tuple[int, str]] = []
    fired: set[TimerKey] = set()
    for stimulation, verdict in taken:
        if stimulation.timer is not None and stimulation.timer not in rearmed:
            fired.add(stimulation.timer)
        if stimulation.inbox_id and stimulation.has_sender:
            verdicts.append((stimulation.inbox_id, verdict.value))
        elif stimulation.inbox_id:
            consumed.append(stimulation.inbox_id)
    entry.consumed = consumed
    entry.verdicts = verdicts
    if fired:
        opened = {key for key, _ in entry.opened_timers}
        entry.closed_timers = [*(fired | set(entry.closed_timers)) - opened]
