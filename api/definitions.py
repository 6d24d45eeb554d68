"""Definitions as requests bring them: judged, and read for what the answers show of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from api.errors import InvalidDefinition
from asl.errors import DefinitionError
from asl.parse import parse_machine
from asl.validate import MachineType, check

_REMEMBERED: Final = 256


def check_definition(definition: str, machine_type: str = "STANDARD") -> None:
    """Refuse a definition that is no machine of the type."""
    try:
        check(definition, MachineType(machine_type))
    except DefinitionError as error:
        raise InvalidDefinition(str(error)) from None


@lru_cache(maxsize=_REMEMBERED)
def variable_references(definition: str) -> Mapping[str, list[str]]:
    """Return which variables each state of a stored definition refers to."""
    return parse_machine(definition).variable_references
