"""Finding the state under test."""

from __future__ import annotations

from typing import Any

import pytest

from asl.errors import DefinitionError
from runtime.teststate.errors import RefusedTrialError
from tests.support.trials import PROCESSOR, each, subject


def whole(**fields: Any) -> dict[str, Any]:
    outer = {"Type": "Map", "ItemProcessor": PROCESSOR, "End": True}
    return {"StartAt": "Outer", "States": {"Outer": outer}, **fields}


def test_lone_state_may_lead_anywhere() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Other"}]
    branch: dict[str, Any] = {
        "Type": "Parallel",
        "Branches": [PROCESSOR],
        "Catch": catch,
    }

    assert subject(**branch, Next="Elsewhere").state.name == "StateName"


def test_lone_state_is_judged_like_any_other() -> None:
    with pytest.raises(DefinitionError, match="cannot be empty at /States/StateName"):
        subject(Type="Parallel", Branches=[], Next="Elsewhere")


def test_targets_within_a_lone_state_must_exist() -> None:
    inner = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}

    with pytest.raises(DefinitionError, match="Missing 'Next' target: B"):
        subject(Type="Parallel", Branches=[inner], End=True)


def test_state_of_a_whole_definition_is_found_inside_another() -> None:
    found = subject("Each", **whole(QueryLanguage="JSONata"))

    assert (found.kind, found.language) == ("Pass", "JSONata")


def test_name_that_no_state_has_is_refused() -> None:
    with pytest.raises(RefusedTrialError, match="'Nobody' is not in the definition"):
        subject("Nobody", **whole())


def test_inner_states_are_all_those_within() -> None:
    assert each().inner_states() == {"Each"}
