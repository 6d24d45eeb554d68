"""Definitions made to hurt: each is judged, none is a crash or takes long."""

import json
from typing import Any

import pytest

from asl.validate import validate

SIZE = 100_000


def passing(**fields: Any) -> Any:
    return {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True, **fields}}}


def template(text: str) -> Any:
    return passing(Parameters={"a.$": text})


def jsonata(text: str) -> Any:
    return {"QueryLanguage": "JSONata", **passing(Output=text)}


def nested_choice(depth: int) -> Any:
    rule = {"Variable": "$.a", "IsNull": True}
    for _ in range(depth):
        rule = {"Not": rule}
    state = {"Type": "Choice", "Choices": [{**rule, "Next": "B"}]}
    return {"StartAt": "A", "States": {"A": state, "B": {"Type": "Succeed"}}}


HOSTILE = {
    "long path": template("$" + ".a" * SIZE),
    "many tails": template("$.a" + ".length()" * SIZE),
    "open brackets": template("$" + "[" * SIZE),
    "open quote": template("$['" + "\\" * SIZE),
    "nested filters": template("$" + "[?(@" * 200 + ")]" * 200),
    "parentheses in a filter": template("$[?(" + "(" * 90 + "@.a" + ")" * 90 + ")]"),
    "negations in a filter": template("$[?(" + "!" * 9000 + "@.a)]"),
    "explosive pattern": template("$[?(@.a =~ /((a{100}){100}){100}/)]"),
    "nested calls": template("States.Array(" * SIZE + ")" * SIZE),
    "many arguments": template("States.Array(" + "$.a," * SIZE + "$.a)"),
    "long result path": passing(ResultPath="$" + ".a" * 3000),
    "open text": template("States.Format('" + "\\" * SIZE),
    "deep template": passing(Parameters=json.loads('{"a":' * 480 + "1" + "}" * 480)),
    "deep result": passing(Result=json.loads('{"a":' * 450 + "1" + "}" * 450)),
    "deep expression": jsonata("{% " + "(" * SIZE + ")" * SIZE + " %}"),
    "long expression": jsonata("{% 1" + "+1" * SIZE + " %}"),
    "deep choice": nested_choice(400),
    "many unknown fields": passing(**{f"x{i}": 1 for i in range(5000)}),
    "long resource": {
        "StartAt": "A",
        "States": {"A": {"Type": "Task", "Resource": "arn:" + ":" * SIZE, "End": True}},
    },
    "number of a filter": template("$[?(@.a == 09)]"),
    "infinite number of a filter": template("$[?(@.a == 1e999)]"),
    "digits of a filter": template("$[?(@.a == " + "9" * 5000 + ")]"),
    "digits of an argument": template("States.Array(" + "9" * 5000 + ")"),
    "infinite argument": template("States.Array(-1e999)"),
    "no json at all": None,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_definitions_are_judged(name: str) -> None:
    definition = HOSTILE[name]
    text = "{" * SIZE if definition is None else json.dumps(definition)

    assert isinstance(validate(text), list)
