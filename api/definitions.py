"""Definitions as requests bring them: judged, and read for what the answers show of them.

A large definition takes a while to compile, so that is done on a thread: the event loop has
executions to advance meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Concatenate, Final, ParamSpec, TypeVar

from api.errors import InvalidDefinition
from asl.errors import DefinitionError
from asl.parse import parse_accepted
from asl.report import Diagnostic
from asl.validate import MachineType, check, validate

P = ParamSpec("P")
T = TypeVar("T")

_REMEMBERED: Final = 256
_LARGE_CHARACTERS: Final = 16_384


async def check_definition(definition: str, machine_type: str) -> None:
    """Refuse a definition that is no machine of the type."""
    try:
        await _compiled(check, definition, MachineType(machine_type))
    except DefinitionError as error:
        raise InvalidDefinition(str(error)) from None


async def judge_definition(definition: str, machine_type: str) -> list[Diagnostic]:
    """Return all that is wrong or suspicious about a definition."""
    return await _compiled(validate, definition, MachineType(machine_type))


async def variable_references(definition: str) -> Mapping[str, list[str]]:
    """Return which variables each state of a stored definition refers to."""
    return await _compiled(_references, definition)


@lru_cache(maxsize=_REMEMBERED)
def _references(definition: str) -> Mapping[str, list[str]]:
    return parse_accepted(definition).variable_references


async def _compiled(
    work: Callable[Concatenate[str, P], T],
    definition: str,
    *rest: P.args,
    **options: P.kwargs,
) -> T:
    if len(definition) <= _LARGE_CHARACTERS:
        return work(definition, *rest, **options)
    return await asyncio.to_thread(work, definition, *rest, **options)
