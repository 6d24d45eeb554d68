"""From an ARN, qualified or not, to the machine that a start runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from secrets import randbelow
from typing import TypeAlias

from api.arns import parse_arn
from api.context import Api
from storage.machines import MachineRecord
from storage.versions import version_arn

Fetch: TypeAlias = Callable[[str], Awaitable[MachineRecord | None]]
Choice: TypeAlias = Callable[[Mapping[str, int]], str]


async def find_machine(api: Api, text: str) -> MachineRecord | None:
    """Return what an ARN leads to for a start: as it was a second ago, or later."""
    return await _follow(api, text, api.cache.get, _drawn)


async def read_machine(api: Api, text: str) -> MachineRecord | None:
    """Return what an ARN leads to, as it is stored now; an alias, mostly."""
    return await _follow(api, text, api.finder, _heaviest)


async def _follow(
    api: Api, text: str, fetch: Fetch, choose_of: Choice
) -> MachineRecord | None:
    """Take the ARN as that of a machine or version, else as an alias, which has several."""
    machine = await fetch(text)
    if machine is not None:
        return machine
    arn = parse_arn(text, "stateMachine")
    if arn.qualifier is None or arn.version is not None:
        return None
    alias = await api.aliases.get(text)
    if alias is None:
        return None
    number = choose_of(alias.routing)
    machine = await fetch(version_arn(alias.state_machine_arn, int(number)))
    return None if machine is None else replace(machine, alias_arn=text)


def _drawn(routing: Mapping[str, int]) -> str:
    return choose(routing, randbelow(100))


def _heaviest(routing: Mapping[str, int]) -> str:
    """Return the version that most starts get: whoever looks twice sees the same."""
    return max(routing, key=routing.__getitem__)


def choose(routing: Mapping[str, int], drawn: int) -> str:
    """Return the version for a number drawn below 100."""
    for number, weight in routing.items():
        if drawn < weight:
            return number
        drawn -= weight
    msg = f"the weights of {routing} are not 100"
    raise AssertionError(msg)
