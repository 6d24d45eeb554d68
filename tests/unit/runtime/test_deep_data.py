"""Data as deep as payloads may be: whatever a state makes of it, the execution goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asl.jsontext import MAX_DEPTH
from runtime import events as ev
from tests.support.live import live
from tests.support.machines import choice, distributed, machine, pass_on, succeed

DEEP_LIST = json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
DEEP_OBJECT = json.loads('{"a":' * (MAX_DEPTH - 1) + "{}" + "}" * (MAX_DEPTH - 1))
JSONATA = {"QueryLanguage": "JSONata"}


def parameters(expression: str) -> dict[str, Any]:
    return pass_on(Parameters={"x.$": expression})


def output(expression: str) -> dict[str, Any]:
    return pass_on(Output=f"{{% {expression} %}}", **JSONATA)


def assigned(expression: str) -> dict[str, Any]:
    return pass_on(Assign={"x": f"{{% {expression} %}}"}, **JSONATA)


def chosen(**rule: Any) -> dict[str, Any]:
    return choice("Which", {**rule, "Next": "End"}, Default="End")


STATES = [
    parameters("$"),
    parameters("$$"),
    parameters("$$.Execution.Input"),
    parameters("$..a"),
    parameters("$..*"),
    parameters("$..[?(@.a)]"),
    parameters("$[?(@.a == 1)]"),
    parameters("States.JsonToString($)"),
    parameters("States.JsonToString($$)"),
    parameters("States.JsonToString(States.Array($, $))"),
    parameters("States.Format('{}', $)"),
    parameters("States.Format('{}', $$)"),
    parameters("States.Array($, $)"),
    parameters("States.ArrayUnique(States.Array($, $, States.Array($)))"),
    parameters("States.ArrayContains(States.Array($), $)"),
    parameters("States.ArrayLength($)"),
    parameters("States.ArrayPartition($, 1)"),
    parameters("States.ArrayGetItem($, 0)"),
    parameters("States.JsonMerge($, $, false)"),
    parameters("States.Hash($, 'MD5')"),
    parameters("States.Base64Encode($)"),
    parameters("States.StringToJson($)"),
    parameters("States.MathAdd($, 1)"),
    pass_on(Result=1, ResultPath="$.a.a"),
    pass_on(ResultPath="$.a.b.c"),
    pass_on(ResultPath="$[0]"),
    pass_on(Assign={"x.$": "$"}),
    pass_on(Assign={"x.$": "States.Array($)"}),
    {"Name": "Sleep", "Type": "Wait", "SecondsPath": "$"},
    {"Name": "Sleep", "Type": "Wait", "TimestampPath": "$"},
    chosen(Variable="$", IsString=True),
    chosen(Variable="$", StringEqualsPath="$"),
    chosen(Variable="$", NumericEqualsPath="$$"),
    chosen(Variable="$..a", IsPresent=True),
    output("$states.input"),
    output("$states"),
    output("[$states.input]"),
    output("[[$states.input]]"),
    output("{'x': $states.input}"),
    output("$string($states.input)"),
    output("$states.input = $states.input"),
    output("**"),
    output("$states.input.**"),
    output("$merge([$states.input, {'b': 1}])"),
    output("$hash($string($states.input), 'MD5')"),
    output("$partition($states.input, 1)"),
    output("$distinct([$states.input, $states.input])"),
    assigned("$states.input"),
    assigned("$states"),
    assigned("[$states.input]"),
]


@pytest.mark.parametrize("data", [DEEP_LIST, DEEP_OBJECT], ids=["list", "object"])
@pytest.mark.parametrize("state", STATES, ids=json.dumps)
def test_execution_ends_whatever_a_state_makes_of_deep_data(
    state: dict[str, Any], data: Any
) -> None:
    it = live(machine(state, succeed("End")), data)

    ends = len(it.events(ev.ExecutionSucceeded)), len(it.events(ev.ExecutionFailed))
    assert sum(ends) == 1


def test_batch_input_that_is_too_deep_fails_its_map() -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"x.$": "$"}}
    state = distributed("Each", pass_on("Item"), ItemBatcher=batcher)

    it = live(machine(state), DEEP_LIST)

    (end,) = it.events(ev.ExecutionFailed)
    assert (end.error, it.events(ev.MapRunStarted)) == ("States.Runtime", [])
