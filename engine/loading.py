"""Bring executions into memory: many logs in one read, folded."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import psycopg

from asl.model import Machine
from engine.residents import BASE_SIZE, Residents
from engine.work import QuarantinedError, Resident, Stimulation
from runtime import stimuli as st
from runtime.events import HistoryEvent
from runtime.evolve import fold
from runtime.execution import Status
from runtime.identity import ExecutionId
from runtime.stimuli import Verdict
from storage.lane_store import ExecutionFacts, LaneStore

MAX_LOADED: Final = 500


class Loader:
    """Loads what stimuli wait for."""

    def __init__(
        self,
        *,
        store: LaneStore,
        residents: Residents,
        machines: Callable[[str], Awaitable[Machine]],
        refuse: Callable[[int, ExecutionId, deque[Stimulation], Verdict], None],
        set_aside: Callable[[int, ExecutionId, Exception], None],
    ) -> None:
        """Take where to read, and what to do with what cannot be loaded."""
        self._store = store
        self._residents = residents
        self._machines = machines
        self._refuse = refuse
        self._set_aside = set_aside

    async def load_missing(self) -> None:
        """Load the executions that stimuli wait for, at most MAX_LOADED at once."""
        missing = self._residents.missing
        if not missing:
            return
        keys = list(missing)[:MAX_LOADED]
        facts = await self._store.facts(keys)
        wanted = [key for key in keys if self._is_wanted(key, facts.get(key[1]))]
        logs = await self._logs(wanted) if wanted else {}
        for key in wanted:
            await self._add(key, facts[key[1]], logs.get(key[1], []))

    async def _logs(
        self, keys: Sequence[tuple[int, ExecutionId]]
    ) -> dict[ExecutionId, list[HistoryEvent]]:
        """Read logs; where one of them cannot be read, its execution alone is set aside."""
        try:
            return await self._store.load(keys)
        except (psycopg.Error, OSError):
            raise  # the database does not answer: that says nothing of the executions
        except Exception as error:  # noqa: BLE001 - the boundary around each of them
            if len(keys) == 1:
                self._give_up(*keys[0], error)
                return {}
        middle = len(keys) // 2
        return await self._logs(keys[:middle]) | await self._logs(keys[middle:])

    def _is_wanted(
        self, key: tuple[int, ExecutionId], facts: ExecutionFacts | None
    ) -> bool:
        """Answer what is for closed or unknown executions, and what is set aside.

        Of closed executions only those are loaded that somebody wants redriven.
        """
        waiting = self._residents.missing.get(key, deque())
        if (
            facts is not None
            and not facts.is_quarantined
            and (facts.status == Status.RUNNING or any(map(_is_redrive, waiting)))
        ):
            return True
        stimulations = self._residents.missing.pop(key, deque())
        if facts is not None and facts.is_quarantined:
            for stimulation in stimulations:
                stimulation.tell(QuarantinedError())
        else:
            verdict = Verdict.UNKNOWN if facts is None else Verdict.CLOSED
            self._refuse(*key, stimulations, verdict)
        return False

    async def _add(
        self,
        key: tuple[int, ExecutionId],
        facts: ExecutionFacts,
        log: list[HistoryEvent],
    ) -> None:
        shard, execution_id = key
        if key not in self._residents.missing:
            return
        try:
            machine = await self._machines(facts.revision_id)
            execution = fold(shard, execution_id, log)
        except (psycopg.OperationalError, OSError):
            raise  # the database is away: that says nothing of the execution
        except Exception as error:  # noqa: BLE001 - the boundary around one execution
            self._give_up(shard, execution_id, error)
            return
        size = BASE_SIZE + sum(
            len(e.payload.text) for e in log if e.payload is not None
        )
        self._residents.add(Resident(execution, machine, size))

    def _give_up(self, shard: int, execution_id: ExecutionId, error: Exception) -> None:
        """Set an execution aside that cannot be loaded."""
        for stimulation in self._residents.missing.pop((shard, execution_id), ()):
            stimulation.tell(QuarantinedError())
        self._set_aside(shard, execution_id, error)


def _is_redrive(stimulation: Stimulation) -> bool:
    return isinstance(stimulation.stimulus, st.Redrive | st.RedriveChild)
