"""Amazon Resource Names: whose they are, how they are built and taken apart.

    arn:aws:states:REGION:ACCOUNT:stateMachine:NAME[/LABEL][:VERSION or ALIAS]
    arn:aws:states:REGION:ACCOUNT:execution:MACHINE[/LABEL]:NAME
    arn:aws:states:REGION:ACCOUNT:express:MACHINE[/LABEL]:NAME:ID
    arn:aws:states:REGION:ACCOUNT:activity:NAME
    arn:aws:states:REGION:ACCOUNT:mapRun:MACHINE/LABEL:UUID

Account and region come from configuration. A well-formed ARN of another account or region
is not refused here: nothing is found under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from api.errors import InvalidArn

DEFAULT_ACCOUNT: Final = "123456789012"
DEFAULT_REGION: Final = "us-east-1"

_HEAD_PARTS: Final = 6
# How many parts the resource of each kind has, after the kind itself.
_RESOURCE_PARTS: Final[Mapping[str, tuple[int, int]]] = {
    "stateMachine": (1, 2),
    "execution": (2, 2),
    "express": (3, 3),
    "activity": (1, 1),
    "mapRun": (2, 2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The account and region that everything here belongs to."""

    account: str = DEFAULT_ACCOUNT
    region: str = DEFAULT_REGION

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Site:
        """Read AWS_ACCOUNT_ID and AWS_REGION or AWS_DEFAULT_REGION."""
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        return cls(
            account=environment.get("AWS_ACCOUNT_ID") or DEFAULT_ACCOUNT,
            region=region or DEFAULT_REGION,
        )

    def state_machine(self, name: str) -> str:
        """Return the ARN of a machine."""
        return self._arn("stateMachine", name)

    def execution(self, machine_name: str, name: str) -> str:
        """Return the ARN of a Standard execution."""
        return self._arn("execution", f"{machine_name}:{name}")

    def express(self, machine_name: str, name: str, run: str) -> str:
        """Return the ARN of an Express execution."""
        return self._arn("express", f"{machine_name}:{name}:{run}")

    def activity(self, name: str) -> str:
        """Return the ARN of an activity."""
        return self._arn("activity", name)

    def map_run(self, machine_name: str, label: str, run: str) -> str:
        """Return the ARN of a Map Run."""
        return self._arn("mapRun", f"{machine_name}/{label}:{run}")

    def function(self, name: str) -> str:
        """Return the ARN of a function that workers serve."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"

    def _arn(self, kind: str, resource: str) -> str:
        return f"arn:aws:states:{self.region}:{self.account}:{kind}:{resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """An ARN taken apart; `text` is the whole of it."""

    text: str
    kind: str
    name: str
    label: str | None
    rest: tuple[str, ...]

    @property
    def qualifier(self) -> str | None:
        """The version or alias that a machine's ARN ends with."""
        return self.rest[0] if self.kind == "stateMachine" and self.rest else None

    @property
    def version(self) -> int | None:
        """The version that a machine's ARN ends with."""
        qualifier = self.qualifier
        return int(qualifier) if qualifier and qualifier.isdecimal() else None

    @property
    def unqualified(self) -> str:
        """The ARN without the version or alias."""
        return self.text.removesuffix(f":{self.rest[0]}") if self.rest else self.text


def parse_arn(text: str, *kinds: str) -> Arn:
    """Take an ARN apart that must be of one of the kinds; raise InvalidArn."""
    parts = text.split(":")
    if parts[0] != "arn" or len(parts) <= _HEAD_PARTS:
        _refuse(f"Invalid ARN prefix: {text}")
    if parts[2] != "states" or not all(parts[1:_HEAD_PARTS]) or "\x00" in text:
        _refuse(f"Invalid ARN: {text}")
    kind, resource = parts[5], parts[_HEAD_PARTS:]
    if kind not in kinds:
        _refuse(f"Resource type not valid in this context: {kind}")
    fewest, most = _RESOURCE_PARTS[kind]
    if not fewest <= len(resource) <= most or not all(resource):
        _refuse(f"Invalid ARN: {text}")
    name, _, label = resource[0].partition("/")
    return Arn(
        text=text, kind=kind, name=name, label=label or None, rest=tuple(resource[1:])
    )


def version_number(arn: str) -> int:
    """Return the number that a version's ARN ends with."""
    return int(arn.rpartition(":")[2])


def _refuse(reason: str) -> NoReturn:
    msg = f"Invalid Arn: '{reason}'"
    raise InvalidArn(msg)
