"""Record histories: `python -m tests.histories.recording` writes those that are not there yet.

A recorded history is never written again: it stands for the logs that users have. When an
event gets a new field, or a new kind of history appears, add a scenario with a new name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from runtime import stimuli as st
from runtime.principal import Principal
from storage.codec import encode
from tests.support.live import Live, live, nobody, payload
from tests.support.machines import (
    activity,
    callback,
    catch,
    choice,
    distributed,
    each,
    fail,
    invoke,
    machine,
    parallel,
    pass_on,
    retry,
    succeed,
    task,
    wait,
)
from tests.support.portraits import portrait

FOLDER = Path(__file__).parent / "recorded"


def order_in_its_second_backoff() -> Live:
    """A task that failed twice waits for its third attempt."""
    patient = retry("Gateway", IntervalSeconds=3, BackoffRate=1.5, MaxAttempts=2)
    it = live(machine(pass_on("Begin", Result={"n": 1}), task(Retry=[patient])))
    it.raised("Gateway")
    it.fire()
    it.raised("Gateway")
    return it


def order_that_was_caught() -> Live:
    """A failure caught with its error beside the input, and then the end."""
    caught = catch("Notify", ResultPath="$.error")
    it = live(machine(task(Catch=[caught]), task("Notify")), {"order": 7})
    it.raised("OutOfStock", '{"errorMessage":"none left"}')
    it.returned({"told": True})
    return it


def nested_maps_half_way() -> Live:
    """A Map of Maps with a bound on concurrency; some iterations have ended."""
    inner = each("Inner", task("Leaf", TimeoutSeconds=60), ItemsPath="$.xs")
    outer = each("Outer", inner, wait("Rest", seconds=30), MaxConcurrency=2)
    it = live(machine(outer), [{"xs": [1, 2]}, {"xs": []}, {"xs": [3]}])
    it.feed(st.WorkerReturned(min(it.execution.tasks), payload({"done": 1})))
    it.later(1).fire()
    return it


def parallel_that_was_torn_down() -> Live:
    """A branch failed; a nested Map and a Wait beside it were aborted, then caught."""
    nested = each("Each", task("Inner"), ItemsPath="$.xs")
    branches = (task("Fails"), nested, wait("Rest"))
    both = parallel("Both", *branches, Catch=[catch("After", "Broken")])
    it = live(machine(both, wait("After", seconds=9)), {"xs": [1, 2]})
    it.feed(st.WorkerRaised(it.task_of("Fails").scheduled_id, "Broken", None))
    return it


def parallel_that_was_retried() -> Live:
    """A Parallel runs for the second time; its branches have new scopes."""
    it = live(machine(parallel("Both", task("A"), wait("B"), Retry=[retry()])))
    it.raised()
    it.fire()
    return it


def approval_that_waits() -> Live:
    """A callback task was submitted; its time limit and its heartbeat run."""
    state = callback(TimeoutSeconds=3600, HeartbeatSeconds=600)
    it = live(machine(state), {"amount": 12})
    it.returned({"sent": True})
    return it


def missed_heartbeat() -> Live:
    """A missed heartbeat was retried under its own name, and missed again."""
    again = retry("States.HeartbeatTimeout", MaxAttempts=1, IntervalSeconds=1)
    it = live(machine(callback(HeartbeatSeconds=5, Retry=[again])))
    it.fire()
    it.fire()
    it.fire()
    return it


def tasks_of_all_families() -> Live:
    """A function, a service task and an activity; the last has no worker yet."""
    families = (task("Function"), invoke("Service"), activity("Activity"))
    it = live(machine(*families))
    it.returned({"n": 1})
    it.claim = nobody
    it.returned({"n": 2})
    return it


def wait_of_a_year_under_a_deadline() -> Live:
    """A Wait sleeps; the machine has a limit of its own."""
    return live(machine(wait(seconds=365 * 86_400), TimeoutSeconds=99_999_999))


def ended_by_its_deadline() -> Live:
    """The machine's own limit ended the execution."""
    it = live(machine(parallel("Both", task("A"), wait("B")), TimeoutSeconds=5))
    it.fire()
    return it


def stopped_by_hand() -> Live:
    """StopExecution ended everything."""
    it = live(machine(each("Each", task(TimeoutSeconds=9), MaxConcurrency=1)), [1, 2])
    it.stop()
    return it


def variables_and_choices() -> Live:
    """Variables were assigned, a Choice led past a Fail."""
    rule = {"Variable": "$v", "NumericEquals": 1, "Next": "Done"}
    states = (
        pass_on("Set", Assign={"v.$": "$.n", "w": {"deep": [None, True]}}),
        choice("Which", rule, Default="Broken"),
        fail("Broken", Error="E", Cause="C"),
        wait("Done", Next="End"),
        succeed("End"),
    )
    return live(machine(*states), {"n": 1})


def failed_evaluation() -> Live:
    """A JSONata expression failed in an iteration, and the Map caught it."""
    state = pass_on("Bad", QueryLanguage="JSONata", Output="{% $error('no') %}")
    caught = catch("After", "States.QueryEvaluationError")
    return live(machine(each("Each", state, Catch=[caught]), wait("After")), [1])


def odd_texts() -> Live:
    """Numbers, escapes and spaces that nobody may change."""
    text = '{ "a": 1e2, "b": -0.0, "c": 18446744073709551616, "d": "\\u0000\\ud800" }'
    it = live(machine(task(), wait()))
    odd = st.WorkerReturned(it.task.scheduled_id, type(payload(0)).of_text(text))
    it.feed(odd)
    return it


def redriven_half_way() -> Live:
    """A redrive kept what had ended well; a Map has begun its next item since."""
    loop = each("Loop", task("Leaf"), ItemsPath="$.xs", MaxConcurrency=1)
    both = parallel("Both", loop, wait("Rest", seconds=600), task("Quick"))
    it = live(machine(both, TimeoutSeconds=3600), {"xs": [1, 2, 3]})
    it.feed(st.WorkerReturned(it.task_of("Quick").scheduled_id, payload("quick")))
    it.feed(st.WorkerReturned(it.task_of("Leaf").scheduled_id, payload("one")))
    it.feed(st.WorkerRaised(it.task_of("Leaf").scheduled_id, "Broken", None))
    it.later(60).feed(st.Redrive("token-1"))
    it.feed(st.WorkerReturned(it.task_of("Leaf").scheduled_id, payload("two")))
    return it


def redriven_map_run() -> Live:
    """A Map Run goes on after a redrive; what it began with is in its start."""
    each = distributed(
        "Each",
        task("Leaf"),
        ItemBatcher={"MaxItemsPerBatch": 2},
        MaxConcurrency=3,
    )
    it = live(machine(each), [1, 2, 3])
    (run,) = it.execution.map_runs.values()
    it.feed(st.ChildrenFailed(run.started_id, "Broken", "why"))
    it.later(60).feed(st.Redrive("token-1"))
    return it


def failed_after_a_redrive() -> Live:
    """A Fail state was entered again; what remains waits for another redrive."""
    it = live(machine(wait(seconds=9), fail("Broken", Error="E", Cause="C")))
    it.stop()
    it.feed(st.Redrive("token-1"))
    it.fire()
    return it


def named_callers() -> Live:
    """Signed requests refused a task, stopped its execution and redrove it."""
    ada, bob = Principal("SWKADA", "ada"), Principal("SWKBOB", "bob")
    it = live(machine(callback(Catch=[catch("After")]), wait("After")))
    it.returned()
    it.feed(st.CallbackFailed(it.task.scheduled_id, "No", "not this year", ada))
    it.feed(st.Stop("Enough", None, bob))
    it.later(60).feed(st.Redrive("token-1", ada))
    return it


SCENARIOS: tuple[Callable[[], Live], ...] = (
    approval_that_waits,
    failed_after_a_redrive,
    redriven_half_way,
    redriven_map_run,
    ended_by_its_deadline,
    failed_evaluation,
    missed_heartbeat,
    named_callers,
    nested_maps_half_way,
    odd_texts,
    order_in_its_second_backoff,
    order_that_was_caught,
    parallel_that_was_retried,
    parallel_that_was_torn_down,
    stopped_by_hand,
    tasks_of_all_families,
    variables_and_choices,
    wait_of_a_year_under_a_deadline,
)


def plain(value: Any) -> Any:
    """Make a portrait, or a row, of what JSON has."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def recording(scenario: Callable[[], Live]) -> dict[str, Any]:
    """Run a scenario; return what is recorded of it."""
    it = scenario()
    return {
        "about": scenario.__doc__,
        "shard": it.execution.shard,
        "execution_id": it.execution.execution_id,
        "rows": [plain(encode(event)) for event in it.log],
        "state": plain(portrait(it.execution)),
    }


def main() -> None:
    """Write the recordings that are missing."""
    FOLDER.mkdir(exist_ok=True)
    for scenario in SCENARIOS:
        path = FOLDER / f"{scenario.__name__}.json"
        if not path.exists():
            path.write_text(json.dumps(recording(scenario), indent=1) + "\n")


if __name__ == "__main__":
    main()
