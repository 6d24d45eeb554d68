"""Compiled machines: what was accepted once runs, whatever is asked of new machines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asl.errors import DefinitionError
from asl.parse import parse_machine
from engine.compiled import CompiledMachines
from tests.support.live import live

# Accepted by releases that looked at less, and refused today.
OLDER = {
    "a service without an integration": {
        "Type": "Task",
        "Resource": "arn:aws:states:::nobody:call",
    },
    "the top level of an expression": {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Output": "{% $ %}",
    },
    "an error output where nothing is caught": {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Output": "{% $states.errorOutput %}",
    },
}


def machines(definition: str) -> CompiledMachines:
    async def read(_revision_id: str) -> str:
        return definition

    return CompiledMachines(read)


@pytest.mark.parametrize("name", OLDER)
async def test_machine_that_would_be_refused_today_goes_on(name: str) -> None:
    state: dict[str, Any] = {**OLDER[name], "End": True}
    definition = json.dumps({"StartAt": "A", "States": {"A": state}})

    machine = await machines(definition).get("1")

    assert machine.regions[0].states.keys() == {"A"}
    with pytest.raises(DefinitionError):
        parse_machine(definition)


async def test_expression_that_is_well_formed_no_more_fails_its_state() -> None:
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% 1 + %}"}
    definition = {"StartAt": "A", "States": {"A": {**state, "End": True}}}

    it = live(await machines(json.dumps(definition)).get("1"))

    assert it.execution.error == "States.QueryEvaluationError"


async def test_text_that_is_no_definition_is_no_machine() -> None:
    with pytest.raises(DefinitionError):
        await machines("[]").get("1")
