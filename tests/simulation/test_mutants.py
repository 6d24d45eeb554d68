"""The simulation finds what it is there to find: engines that break a rule on purpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import pytest

from engine.commits import Commits
from engine.work import TurnDone
from runtime import advance as advancing
from runtime.execution import Execution
from tests.simulation.engines import SimEngine
from tests.simulation.test_simulation import _silent, live_through
from tests.simulation.vault import Vault

__all__ = ["_silent"]
WORLDS = 150
pytestmark = pytest.mark.slow


async def believe_it_landed(_self: Commits, _turns: Sequence[TurnDone]) -> bool:
    return True


def ignore(*_arguments: Any) -> None:
    """Do nothing."""


def hold_under_the_execution(execution: Execution, event: Any, payload: Any) -> int:
    """Remember holders across folds of one execution."""
    if payload.owner == execution.execution_id:
        event.data_from = payload.holder
        return 0
    payload.owner, payload.holder = execution.execution_id, event.id
    return len(payload.text)


def is_found(target: Any, name: str, mutant: Callable[..., Any]) -> bool:
    """Tell whether some world breaks."""
    with mock.patch.object(target, name, mutant):
        for seed in range(WORLDS):
            try:
                live_through(seed)
            except Exception:  # noqa: BLE001 - any way of breaking will do
                return True
    return False


@pytest.mark.parametrize(
    ("target", "name", "mutant"),
    [
        (Commits, "_has_landed", believe_it_landed),
        (Commits, "_give_back", ignore),
        (Commits, "_tell_timers", ignore),
        (SimEngine, "_follow", ignore),
        (SimEngine, "read", ignore),
        (SimEngine, "bury", ignore),
        (Vault, "_check_fence", ignore),
        (Vault, "_write_inbox", ignore),
        (advancing, "hold", hold_under_the_execution),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_broken_engine_is_found(
    target: Any, name: str, mutant: Callable[..., Any]
) -> None:
    assert is_found(target, name, mutant)
