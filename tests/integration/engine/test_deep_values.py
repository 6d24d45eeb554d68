"""Values as deep as payloads may be, where the log wraps them once more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asl.jsontext import MAX_DEPTH
from storage import postgres_journal
from storage.codec import EventRow, encode
from tests.support.fleet import Fleet, eventually
from tests.support.machines import pass_on, region, wait

# With the object that Assign makes of it, as deep as a payload may be.
DEEP = json.loads("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))


async def test_deep_variable_is_kept_in_the_log(engines: Fleet) -> None:
    engine = await engines.engine(lanes=1)
    keep = {"v": "{% $states.input %}"}
    definition = region(
        pass_on("Keep", Assign=keep), wait(seconds=2), QueryLanguage="JSONata"
    )
    run = await engines.start(engine, await engines.machine(definition), DEEP)

    await eventually(lambda: engines.rows("SELECT due FROM timers"))
    await engines.stop(engine)
    await engines.engine(lanes=1)

    assert await engines.closed(run) == "SUCCEEDED"


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
    await eventually(lambda: engines.rows("SELECT shard FROM quarantine"))
    rows = await engines.rows("SELECT execution_id::text, detail FROM quarantine")
    assert [row[0] for row in rows] == [bad.id]
    assert "this has no form" in rows[0][1]
    assert not engine.failed.is_set()
