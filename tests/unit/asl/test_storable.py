"""What must stand in a column of its own can't hold NUL or lone surrogates."""

from __future__ import annotations

import pytest

from asl.errors import DefinitionError
from asl.jsontext import is_storable
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
