"""What an engine is told: its options, and what the database says of the installation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from engine.elsewhere import Invoke
from engine.handlers import Handler
from engine.leases import LeaseTimes
from runtime.limits import DEFAULTS, Limits

_FEW_CORES: Final = 2


def usual_lanes() -> int:
    """Return how many lanes suit this machine.

    Two overlap one's decisions with the other's commit. Where PostgreSQL shares a core or two
    with the engine there is nothing to gain from that, and a single lane's commits, twice as
    large, cost a sixth less.
    """
    return 1 if _cores() <= _FEW_CORES else 2


def _cores() -> int:
    """Return how many cores this process may use, which a container may bound."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What may be chosen: all have good defaults.

    `cache_characters` bounds the executions kept in memory, `session_timeout` is how long a
    worker may be silent, `keep` after how long closed executions are deleted.
    `limits` bounds what callers and executions may have. `invoke` calls functions that no worker serves, `invoke_slots` at once at most. `master_keys` names those that this process has.
    """

    region: str = "us-east-1"
    account: str = ""
    lanes: int = field(default_factory=usual_lanes)
    leases: LeaseTimes = field(default_factory=LeaseTimes)
    session_timeout: float = 7.0
    cache_characters: int = 64 * 1024 * 1024
    keep: timedelta | None = None
    handlers: Mapping[str, Handler] = field(default_factory=dict)
    limits: Limits = DEFAULTS
    invoke: Invoke | None = None
    invoke_slots: int = 100
    master_keys: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What the database says of itself: how many shards, and the keys that sign tokens."""

    shards: int
    keys: Mapping[int, bytes]
