"""A decision in the making: events get their ids, times and links here.

A `Draft` is the decision; a `Visit` is one scope's stay in one state as the decision sees
it. A visit may be younger than the folded scope: a state entered in this very decision is
not folded yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from asl.model import Environment, Machine, State
from asl.payload import Json, Payload
from runtime.context import context_object
from runtime.events import HistoryEvent
from runtime.execution import Execution, Scope, ScopeId
from runtime.turn import Turn


class Draft:
    """The events decided so far."""

    __slots__ = ("events", "execution", "machine", "next_id", "time", "turn")

    def __init__(self, machine: Machine, execution: Execution, turn: Turn) -> None:
        """Start behind the execution's last event; time never goes back."""
        self.machine = machine
        self.execution = execution
        self.turn = turn
        self.events: list[HistoryEvent] = []
        self.next_id = execution.last_event_id + 1
        last = execution.last_time
        self.time = turn.now if last is None or turn.now > last else last

    def put(self, event: HistoryEvent) -> int:
        """Take an event that was made with `id=draft.next_id`; return its id."""
        self.events.append(event)
        self.next_id += 1
        return event.id

    def state_of(self, scope: Scope) -> State:
        """Look up the state that a scope stands at."""
        return self.machine.regions[scope.region].states[scope.state]


class Visit:
    """One scope in one state; `last_id` follows the events of this scope."""

    __slots__ = (
        "before",
        "draft",
        "entered",
        "id",
        "input",
        "last_id",
        "name",
        "retries",
        "retry_count",
        "scope",
    )

    def __init__(self, draft: Draft, scope: Scope) -> None:
        """Take the visit as the folded scope has it."""
        self.draft = draft
        self.scope = scope
        self.name = scope.state
        self.id = scope.visit
        self.before = scope.before
        self.entered: datetime = scope.entered or draft.time
        self.input: Payload = scope.payload
        self.last_id = scope.last_id
        self.retries: Mapping[int, int] = scope.retries
        self.retry_count = scope.retry_count

    def put(self, event: HistoryEvent) -> int:
        """Put an event of this scope; the next one points to it."""
        self.last_id = self.draft.put(event)
        return self.last_id

    def begin(self, entered_id: int) -> None:
        """Make the visit the one that an event of this draft has begun."""
        self.before = self.scope.last_id
        self.id = self.last_id = entered_id
        self.entered = self.draft.time
        self.retries = {}
        self.retry_count = 0

    @property
    def scope_id(self) -> ScopeId:
        """The id of the scope."""
        return self.scope.id

    def environment(
        self,
        *,
        result: Payload | None = None,
        error_output: Payload | None = None,
        scheduled_id: int = 0,
        item: tuple[int, Json] | None = None,
    ) -> Environment:
        """Build what the state's expressions see; `scheduled_id` gives `$$.Task.Token`."""
        turn = self.draft.turn
        context: Callable[[], dict[str, Json]] = self._context
        if scheduled_id or item is not None:
            context = partial(
                context_object, self, scheduled_id=scheduled_id, item=item
            )
        return Environment(
            self.input,
            context,
            self.scope.variables,
            self.draft.time,
            turn.entropy,
            result,
            error_output,
        )

    def _context(self) -> dict[str, Json]:
        return context_object(self)
