"""Every table of Stepwell, described once; migrations must lead exactly here.

`shard` comes first in every key of a hot table, so that the same schema can be spread over
several machines by that column. Hot tables (events, timers, tasks, inbox) have no foreign
keys and as few indexes as their statements need: each one is paid for at every step.

Columns stand in the order that wastes no padding: 16 and 8 byte values, then 4, then 2, then
text. ARNs collate "C": they are compared byte by byte, whatever the language of the database.

User text (payloads, causes, definitions) is `text`: `jsonb` refuses characters that JSON
allows and rewrites numbers, and even `json` fails on them when a query looks inside.
"""

from __future__ import annotations

from storage.schema import (
    executions,
    installation,
    machines,
    map_runs,
    processes,
    queues,
)
from storage.schema.base import metadata

__all__ = [
    "executions",
    "installation",
    "machines",
    "map_runs",
    "metadata",
    "processes",
    "queues",
]
