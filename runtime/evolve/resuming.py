"""How a scope goes on when its execution is redriven; for this package alone to call.

What an execution was doing when it ended is all that is looked at: the scopes as they were
then. The definition is not: what a state does again is decided when its turn comes.
"""

from __future__ import annotations

from typing import Final

from runtime.evolve.upkeep import make_ready, open_timer
from runtime.execution import Execution, Phase, Scope, TimerKind

_BETWEEN_VISITS: Final = frozenset({Phase.ENTERING, Phase.DONE})
_ENTERED_AGAIN: Final = frozenset({"Fail", "Wait"})


def resume(execution: Execution, scope: Scope) -> None:
    """Let a scope go on from where the end of the execution has met it.

    A state that was at work does its work again, in the same visit; what its children have
    done is kept. A Fail, and a Wait that could not tell for how long, are entered again.
    """
    scope.retries, scope.retry_count = {}, 0
    if scope.phase in _BETWEEN_VISITS:
        execution.ready[scope.id] = None
        return
    is_at_work = scope.children is None and scope.phase is not Phase.WAITING
    if is_at_work and scope.kind in _ENTERED_AGAIN:
        scope.last_id = scope.before
        make_ready(execution, scope, Phase.ENTERING)
        return
    execution.visits[scope.visit] = scope.id
    if is_at_work:
        # As with a retry, a task follows its failed outcome; other work follows the entry.
        scope.last_id = scope.failed_id or scope.visit
        make_ready(execution, scope, Phase.REDRIVEN)
    elif scope.children is None:
        assert scope.due is not None, "a Wait that sleeps has a due time"
        open_timer(execution, (scope.visit, TimerKind.WAIT), scope.due)
    elif scope.phase is Phase.JOINED:
        execution.ready[scope.id] = None
    elif scope.children.next_indexes:
        make_ready(execution, scope, Phase.REDRIVEN)
