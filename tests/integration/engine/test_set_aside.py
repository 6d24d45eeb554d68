"""Executions whose log cannot be written or read: set aside, and their neighbours go on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from runtime.events import HistoryEvent
from storage import postgres_journal
from storage.codec import EventRow, decode, encode
from tests.support.fleet import Fleet, eventually
from tests.support.machines import pass_on, region, wait


async def set_aside(engines: Fleet) -> list[tuple[str, str]]:
    """Wait for executions to be set aside; return their ids and the reasons."""
    rows: list[tuple[str, str]] = await eventually(
        lambda: engines.rows("SELECT execution_id::text, detail FROM quarantine")
    )
    return rows


async def test_event_that_cannot_be_written_sets_its_execution_aside_and_no_other(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(event: Any) -> EventRow:
        if event.payload is not None and event.payload.text == '"poison"':
            raise ValueError("this has no form")
        return encode(event)

    monkeypatch.setattr(postgres_journal, "encode", write)
    engine = await engines.engine(lanes=1)
    machine = await engines.machine(region(wait(seconds=1), pass_on(Result="poison")))
    healthy = await engines.machine(region(wait(seconds=1), pass_on()))

    bad = await engines.start(engine, machine)
    good = [await engines.start(engine, healthy) for _ in range(12)]

    assert {await engines.closed(run) for run in good} == {"SUCCEEDED"}
    ((execution_id, reason),) = await set_aside(engines)
    assert execution_id == bad.id
    assert "this has no form" in reason
    assert not engine.life.failed.is_set()


async def test_log_that_cannot_be_read_sets_its_execution_aside_and_no_other(
    engines: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(rows: Iterable[EventRow]) -> list[HistoryEvent]:
        log = list(rows)
        if log[0].data == '"poison"':
            raise ValueError("nobody can read this: \x00 \ud800")
        return decode(log)

    first = await engines.engine(lanes=1)
    machine = await engines.machine(region(wait(seconds=2), pass_on()))
    bad = await engines.start(first, machine, "poison")
    good = [await engines.start(first, machine, "sound") for _ in range(6)]
    await engines.stop(first)
    monkeypatch.setattr(postgres_journal, "decode", read)

    engine = await engines.engine(lanes=1)

    assert {await engines.closed(run) for run in good} == {"SUCCEEDED"}
    ((execution_id, reason),) = await set_aside(engines)
    assert execution_id == bad.id
    assert reason == "nobody can read this: \N{REPLACEMENT CHARACTER} ?"
    assert not engine.life.failed.is_set()
