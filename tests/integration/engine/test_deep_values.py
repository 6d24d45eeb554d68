"""Values as deep as payloads may be, where the log wraps them once more."""

from __future__ import annotations

import json

from asl.jsontext import MAX_DEPTH
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
