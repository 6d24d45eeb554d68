"""Recorded calls replayed: placeholders in requests filled, answers compared with them.

A placeholder such as `<ArnPart_0idx>` stands for one value wherever it occurs in a case.
A request that carries an unknown one gets a made-up value; an answer binds those that the
server has made. `datetime` and its kind stand for any value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

ACCOUNT = "111111111111"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/"
_PLACEHOLDER = re.compile(r"<[A-Za-z][\w:-]*>|\bactivity_arn(?:_\d+)?\b")
_ANY = frozenset({"datetime", "start-date", "stop-date", "timestamp"})
_ROLES = re.compile(r"s[nf]{2}_role_arn\w*")
_QUOTED_ARN = re.compile(r"'(arn:[^']*)'")
# Members that the service did not send yet when the older cases were recorded.
_NEWER = frozenset(
    {"encryptionConfiguration", "redriveCount", "redriveStatus", "redriveStatusReason"}
)
_NOT_COMPARED = frozenset({"ResponseMetadata", "message"})
# Resources that do not exist, by the member of a request that names them.
_NOBODY = {
    "executionArn": "execution:none:none",
    "activityArn": "activity:none",
    "mapRunArn": "mapRun:none/none:none",
    "stateMachineAliasArn": "stateMachine:none:none",
    "stateMachineVersionArn": "stateMachine:none:1",
}


class Difference(str):
    """What is told of a difference, and the path in the answer where it is."""

    __slots__ = ("path",)
    path: str

    def __new__(cls, path: str, told: str) -> Difference:
        """Tell of a difference at a path."""
        difference = super().__new__(cls, f"{path} {told}")
        difference.path = path
        return difference


class Replay:
    """What the placeholders of one case stand for; made-up values end in `suffix`."""

    def __init__(self, suffix: str = "") -> None:
        self._suffix = suffix
        self.bound: dict[str, str] = {"<partition>": "aws", "<region>": REGION}
        self.replaced: dict[str, str] = {}
        self._executions = 0

    def request(self, request: Mapping[str, Any], expected: object) -> dict[str, Any]:
        """Return a request as it can be sent; `expected` is the recorded answer."""
        filled: dict[str, Any] = self._filled(dict(request))
        for member, value in filled.items():
            if (
                member.endswith("Arn")
                and isinstance(value, str)
                and not str(value).startswith("arn:")
            ):
                filled[member] = self._arn(member, value, expected)
                self.replaced[filled[member]] = value
        return filled

    def _arn(self, member: str, value: str, expected: object) -> str:
        """Replace a made-up ARN: by the one that the answer speaks of, or by nobody's.

        One that is refused as malformed stays as it is.
        """
        if _ROLES.fullmatch(value):
            return ROLE + value
        told = json.dumps(expected)
        named = _QUOTED_ARN.search(told)
        if named is not None:
            text: str = self._filled(named[1])
            return text
        if expected is None or "InvalidArn" in told:
            return value
        kind = _NOBODY.get(member, "stateMachine:none")
        return f"arn:aws:states:{REGION}:{ACCOUNT}:{kind}"

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if isinstance(value, str):
            text = re.sub(r":1:(<ExecArnPart)", r":\1", value)
            return _PLACEHOLDER.sub(self._value, text)
        return value

    def _value(self, placeholder: re.Match[str]) -> str:
        made_up = placeholder[0].strip("<>").replace(":", "-")
        return self.bound.setdefault(placeholder[0], made_up + self._suffix)

    def note_start(self, execution_arn: str) -> None:
        """Bind the placeholder of the execution that was just started."""
        name = execution_arn.rpartition(":")[2]
        self.bound.setdefault(f"<ExecArnPart_{self._executions}idx>", name)
        self._executions += 1

    def differences(
        self, recorded: Any, actual: Any, path: str = ""
    ) -> list[Difference]:
        """Compare an answer with the recorded one; bind what is new."""
        if isinstance(recorded, dict) and isinstance(actual, str):
            actual = _parsed(actual)
        if isinstance(recorded, list) and isinstance(actual, str):
            actual = _parsed(actual)
        if isinstance(recorded, dict) and isinstance(actual, dict):
            return self._in_members(recorded, actual, path)
        if isinstance(recorded, list) and isinstance(actual, list):
            return self._in_items(recorded, actual, path)
        if isinstance(recorded, str) and self._matches(recorded, actual):
            return []
        if recorded == actual:
            return []
        return [Difference(path, f"{recorded!r} is {actual!r}")]

    def _in_members(
        self, recorded: dict[str, Any], actual: dict[str, Any], path: str
    ) -> list[Difference]:
        wanted = recorded.keys() - _NOT_COMPARED
        given = actual.keys() - _NOT_COMPARED
        surplus = given - wanted - _NEWER
        return [
            *(Difference(f"{path}.{key}", "is missing") for key in wanted - given),
            *(Difference(f"{path}.{key}", "is new") for key in surplus),
            *(
                difference
                for key in recorded
                if key in wanted & given
                for difference in self.differences(
                    recorded[key], actual[key], f"{path}.{key}"
                )
            ),
        ]

    def _in_items(
        self, recorded: list[Any], actual: list[Any], path: str
    ) -> list[Difference]:
        if len(recorded) != len(actual):
            return [Difference(path, f"has {len(actual)} items, not {len(recorded)}")]
        return [
            difference
            for position, (wanted, given) in enumerate(
                zip(recorded, actual, strict=True)
            )
            for difference in self.differences(wanted, given, f"{path}[{position}]")
        ]

    def _matches(self, recorded: str, actual: object) -> bool:
        if recorded in _ANY or isinstance(actual, datetime):
            return True
        if not isinstance(actual, str):
            return False
        if _ROLES.fullmatch(recorded):
            return actual == ROLE + recorded
        found = re.fullmatch(self._pattern(recorded), actual, re.DOTALL)
        if found is None:
            return self._as_sent(actual) == recorded
        for placeholder in _PLACEHOLDER.findall(recorded):
            self.bound.setdefault(placeholder, found[_group(placeholder)])
        return True

    def _as_sent(self, actual: str) -> str:
        """Put the made-up ARNs of the requests back into an answer."""
        for sent, made_up in self.replaced.items():
            actual = actual.replace(sent, made_up)
        return actual

    def _pattern(self, recorded: str) -> str:
        parts, seen, position = [], set(), 0
        for placeholder in _PLACEHOLDER.finditer(recorded):
            parts.append(re.escape(recorded[position : placeholder.start()]))
            position, name = placeholder.end(), placeholder[0]
            if name in self.bound:
                parts.append(f"(?P<{_group(name)}>{re.escape(self.bound[name])})")
            else:
                parts.append(f"(?P<{_group(name)}>.+?)")
            if name in seen:
                parts[-1] = f"(?P={_group(name)})"
            seen.add(name)
        return "".join(parts) + re.escape(recorded[position:])


def _group(placeholder: str) -> str:
    return re.sub(r"\W", "_", placeholder)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def recorded_error(recorded: Any) -> tuple[str, str]:
    """Return code and message of a recorded refusal, however it was written down."""
    if isinstance(recorded, dict) and "Error" in recorded:
        return recorded["Error"]["Code"], recorded["Error"]["Message"]
    text = recorded["exception_value"] if isinstance(recorded, dict) else recorded
    found = re.match(r"An error occurred \((\w+)\) when calling .*? operation: ", text)
    assert found is not None, text
    return found[1], text[found.end() :]
