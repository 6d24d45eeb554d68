"""What a turn writes of Map Runs: those that began or ended, and children's ends.

The end of a child goes straight into the shard of its run, in the transaction that closes
the child. That is an append and may span shards, as a start does; the run counts it when it
deletes the row, so it is counted once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runtime.identity import uuid_bytes
from runtime.journal import Entry
from runtime.map_runs import ChildEnd, map_run_id
from storage.arrays import (
    int4_array,
    int8_array,
    text_array,
    timestamptz_array,
    uuid_array,
)


def map_run_statements(
    entries: Sequence[Entry],
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the names and parameters of the statements that a batch needs."""
    yield from _opened(entries)
    yield from _redriven(entries)
    yield from _closed(entries)
    ends = [entry.ended_child for entry in entries if entry.ended_child is not None]
    if ends:
        yield "end_children", ended_children(ends)


def _opened(entries: Sequence[Entry]) -> Iterable[tuple[str, dict[str, Any]]]:
    opened = [(entry, run) for entry in entries for run in entry.opened_map_runs]
    if opened:
        runs = [run for _, run in opened]
        yield (
            "open_map_runs",
            {
                "map_run_ids": uuid_array(_run_bytes(run.arn) for run in runs),
                "execution_ids": uuid_array(
                    uuid_bytes(entry.execution_id) for entry, _ in opened
                ),
                "start_dates": timestamptz_array(run.started for run in runs),
                "percentages": [run.tolerated_percentage for run in runs],
                "counts": int8_array(run.tolerated_count for run in runs),
                "shards": int4_array(entry.shard for entry, _ in opened),
                "event_ids": int4_array(run.started_id for run in runs),
                "concurrencies": int4_array(run.concurrency for run in runs),
                "totals": int4_array(run.length for run in runs),
                "arns": text_array(run.arn for run in runs),
                "execution_types": text_array(run.execution_type for run in runs),
            },
        )


def _redriven(entries: Sequence[Entry]) -> Iterable[tuple[str, dict[str, Any]]]:
    redriven = [(entry, run) for entry in entries for run in entry.redriven_map_runs]
    if redriven:
        runs = [run for _, run in redriven]
        yield (
            "redrive_map_runs",
            {
                "shards": int4_array(entry.shard for entry, _ in redriven),
                "map_run_ids": uuid_array(_run_bytes(run.arn) for run in runs),
                "event_ids": int4_array(run.started_id for run in runs),
                "redrive_counts": int4_array(run.redrive_count for run in runs),
                "redrive_dates": timestamptz_array(run.redriven for run in runs),
            },
        )


def _closed(entries: Sequence[Entry]) -> Iterable[tuple[str, dict[str, Any]]]:
    closed = [(entry, *run) for entry in entries for run in entry.closed_map_runs]
    if closed:
        yield (
            "close_map_runs",
            {
                "shards": int4_array(entry.shard for entry, _, _ in closed),
                "map_run_ids": uuid_array(_run_bytes(arn) for _, arn, _ in closed),
                "statuses": text_array(status.value for _, _, status in closed),
                "stop_dates": timestamptz_array(
                    entry.events[-1].time for entry, _, _ in closed
                ),
            },
        )


def ended_children(ends: Sequence[ChildEnd]) -> dict[str, Any]:
    """Return the parameters of the statement that tells runs of their children's ends."""
    return {
        "map_run_ids": uuid_array(_run_bytes(end.map_run_arn) for end in ends),
        "shards": int4_array(end.shard for end in ends),
        "indexes": int4_array(end.index for end in ends),
        "items": int4_array(end.items for end in ends),
        "output_bytes": int4_array(end.output_bytes for end in ends),
        "statuses": text_array(end.status.value for end in ends),
    }


def _run_bytes(arn: str) -> bytes:
    return uuid_bytes(map_run_id(arn))
