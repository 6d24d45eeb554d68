"""The rows that starts write: an execution, its first event, and its inbox row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from runtime.events import EVENT_CODES, ExecutionStarted
from runtime.identity import ExecutionId, uuid_bytes
from storage.arrays import int4_array, text_array, timestamptz_array, uuid_array
from storage.codec import EventRow
from storage.statements import statements

START: Final = statements("starts")["start"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRow:
    """One execution to be started: its identity, and its first event, encoded too."""

    shard: int
    execution_id: ExecutionId
    generation: int
    revision_id: str
    event: ExecutionStarted
    row: EventRow


def start_parameters(starts: Sequence[StartRow]) -> dict[str, Any]:
    """Return the parameters of START."""
    events = [start.event for start in starts]
    return {
        "execution_ids": uuid_array(uuid_bytes(start.execution_id) for start in starts),
        "revision_ids": uuid_array(uuid_bytes(start.revision_id) for start in starts),
        "start_dates": timestamptz_array(event.time for event in events),
        "shards": int4_array(start.shard for start in starts),
        "generations": int4_array(start.generation for start in starts),
        "item_counts": int4_array(event.item_count or None for event in events),
        "arns": text_array(event.arn for event in events),
        "names": text_array(event.name for event in events),
        "machine_arns": text_array(event.state_machine_arn for event in events),
        "version_arns": text_array(event.state_machine_version_arn for event in events),
        "alias_arns": text_array(event.state_machine_alias_arn for event in events),
        "map_run_arns": text_array(event.map_run_arn for event in events),
        "trace_headers": text_array(event.trace_header for event in events),
        "datas": text_array(start.row.data for start in starts),
        "details": text_array(start.row.details for start in starts),
        "memos": text_array(start.row.memo for start in starts),
        "type": EVENT_CODES[ExecutionStarted],
    }
