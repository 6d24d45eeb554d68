"""What must stand in a column of its own can't hold NUL or lone surrogates."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from api.payloads import check_input, check_output
from asl.errors import DefinitionError
from asl.jsontext import is_storable, loads
from tests.support.machines import FUNCTIONS, machine, pass_on, task


@pytest.mark.parametrize("text", ["a\x00", "\ud800", "b\udfff"])
def test_nul_and_lone_surrogates_are_not_storable(text: str) -> None:
    assert not is_storable(text)


@pytest.mark.parametrize("text", ["", "é", "\U0001f600", "\x01", "\n"])
def test_everything_else_is_storable(text: str) -> None:
    assert is_storable(text)


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
def test_a_state_s_name_must_be_storable(name: str) -> None:
    with pytest.raises(DefinitionError, match="neither NUL nor lone surrogates"):
        machine(pass_on(name))


@pytest.mark.parametrize("name", ["a\x00b", "\ud800"])
def test_a_function_s_name_must_be_storable(name: str) -> None:
    with pytest.raises(DefinitionError, match="not a valid resource ARN"):
        machine(task(Resource=f"{FUNCTIONS}{name}"))


@pytest.mark.parametrize("check", [check_input, check_output])
@pytest.mark.parametrize("text", ['"\ud800"', '{"\udfffk": "é"}'])
def test_a_lone_surrogate_in_a_payload_is_kept_as_its_escape(
    check: Callable[[str], str], text: str
) -> None:
    checked = check(text)

    assert checked.encode()
    assert loads(checked) == loads(text)
