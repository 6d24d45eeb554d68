"""The public limits: what the service promises its callers, as constants.

What the service lets its customers have raised may be configured here too: `Limits`.

Bounds that the API model already states per member (lengths of names, ARNs, tokens) are
enforced from the model; they stand here only where code beside the request check needs them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

# Requests

MAX_REQUEST_BYTES: Final = 1_048_576
MAX_DATA_BYTES: Final = 262_144
"""Input or output of a task, a state or an execution, in UTF-8."""

MAX_ERROR_CHARACTERS: Final = 256
MAX_CAUSE_CHARACTERS: Final = 32_768

DEFAULT_PAGE_SIZE: Final = 100
PAGE_TOKEN_LIFETIME: Final = timedelta(hours=24)
MAX_DIAGNOSTICS: Final = 100

# Executions

MAX_OPEN_TIME: Final = timedelta(days=365)
MAX_EVENTS: Final = 25_000
MAX_OPEN_EXECUTIONS: Final = 1_000_000
"""Standard ones, in an account; children of Map Runs are no starts of their own."""
NAME_RESERVED_AFTER_CLOSE: Final = timedelta(days=90)
EXPRESS_MAX_OPEN_TIME: Final = timedelta(minutes=5)
DEFAULT_TIMEOUT_SECONDS: Final = 99_999_999
INLINE_MAP_CONCURRENCY: Final = 40
DISTRIBUTED_MAP_CONCURRENCY: Final = 10_000
LARGEST_INTEGER: Final = 2**31 - 1
"""What a bound of a Map Run is cut to: no run has so many items."""

MAX_VARIABLE_BYTES: Final = 262_144
MAX_VARIABLES_BYTES: Final = 10_485_760

REDRIVE_WINDOW: Final = timedelta(days=14)
MAX_EVENTS_FOR_REDRIVE: Final = 24_999
REDRIVE_TOKEN_LIFETIME: Final = timedelta(minutes=15)
REDRIVE_TOKENS: Final = 10

# Activities

MAX_POLLERS_PER_ACTIVITY: Final = 1_000
MAX_ACTIVITY_POLL_SECONDS: Final = 60

# Resources

MAX_MACHINES: Final = 100_000
MAX_ACTIVITIES: Final = 100_000
MAX_VERSIONS_PER_MACHINE: Final = 1_000
MAX_ALIASES_PER_MACHINE: Final = 100
MAX_TAGS: Final = 50

# What may be configured


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one installation; the defaults are the service's.

    The last three bound what a process keeps in memory: beyond them it answers
    ThrottlingException.
    """

    request_bytes: int = MAX_REQUEST_BYTES
    open_executions: int = MAX_OPEN_EXECUTIONS
    history_events: int = MAX_EVENTS
    inline_map_concurrency: int = INLINE_MAP_CONCURRENCY
    name_reserved_days: int = NAME_RESERVED_AFTER_CLOSE.days
    express_seconds: int = int(EXPRESS_MAX_OPEN_TIME.total_seconds())
    pollers_per_activity: int = MAX_POLLERS_PER_ACTIVITY
    state_machines: int = MAX_MACHINES
    activities: int = MAX_ACTIVITIES
    versions_per_machine: int = MAX_VERSIONS_PER_MACHINE
    aliases_per_machine: int = MAX_ALIASES_PER_MACHINE
    tags_per_resource: int = MAX_TAGS
    express_running: int = 20_000
    starts_waiting: int = 10_000
    verdicts_waiting: int = 20_000


DEFAULTS: Final = Limits()
