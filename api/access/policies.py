"""Policies: what a key may do, in a subset of IAM's JSON.

    {"Version": "2012-10-17",
     "Statement": [{"Effect": "Allow", "Action": "states:Start*", "Resource": "*"}]}

Nothing is allowed that no statement allows, and what a statement denies no other allows.
`*` stands for any characters and `?` for one, in actions and resources. Whatever IAM has
beyond that is refused: a condition that was read over would allow too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from typing import Any, Final, NoReturn, TypeAlias

import orjson

from api.access.actions import EVERYTHING, known_actions

VERSION: Final = "2012-10-17"

_DOCUMENT: Final = frozenset({"Version", "Id", "Statement"})
_STATEMENT: Final = frozenset({"Sid", "Effect", "Action", "Resource"})
_EFFECTS: Final = {"Allow": True, "Deny": False}
_MAX_BYTES: Final = 64 * 1024

Match: TypeAlias = Callable[[str], object]


class PolicyError(ValueError):
    """The document is no policy, or one of a kind that is not understood here."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its effect, and what it is about."""

    allows: bool
    actions: tuple[Match, ...]
    resources: tuple[Match, ...]

    def is_about(self, action: str, resource: str) -> bool:
        """Tell whether it has anything to say of an action (in lower case)."""
        return any(match(action) for match in self.actions) and any(
            match(resource) for match in self.resources
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed and what is denied."""

    statements: tuple[Statement, ...]

    def allows(self, action: str, resource: str) -> bool:
        """Tell whether an action may be taken on a resource.

        A version or alias of a machine is also denied by what denies the machine.
        """
        action, allowed = action.lower(), False
        machine = _unqualified(resource)
        for statement in self.statements:
            if not statement.allows and statement.is_about(action, machine):
                return False
            if statement.is_about(action, resource):
                if not statement.allows:
                    return False
                allowed = True
        return allowed

    def mentions(self, action: str) -> bool:
        """Tell whether an action is allowed on anything at all."""
        action = action.lower()
        return any(
            statement.allows and any(match(action) for match in statement.actions)
            for statement in self.statements
        )


def _unqualified(resource: str) -> str:
    if ":stateMachine:" not in resource:
        return resource
    return ":".join(resource.split(":")[:7])


def parse_policy(text: str | bytes) -> Policy:
    """Read a policy; raise PolicyError that says what is wrong with it."""
    if len(text) > _MAX_BYTES:
        _refuse(f"it is longer than {_MAX_BYTES} bytes")
    try:
        document = orjson.loads(text)
    except ValueError as error:
        _refuse(f"it is no JSON: {error}")
    _check_members(document, _DOCUMENT, "the document")
    if document.get("Version") != VERSION:
        _refuse(f'"Version" must be "{VERSION}"')
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        _refuse('"Statement" must be a list of statements')
    return Policy(tuple(_statement(each) for each in statements))


def _statement(given: Any) -> Statement:
    _check_members(given, _STATEMENT, "a statement")
    effect = given.get("Effect")
    if effect not in _EFFECTS:
        _refuse('"Effect" must be "Allow" or "Deny"')
    actions = [action.lower() for action in _texts(given, "Action")]
    resources = _texts(given, "Resource")
    _check_actions(actions)
    for resource in resources:
        if resource != EVERYTHING and not resource.startswith("arn:"):
            _refuse(f'"Resource" must be "*" or an ARN, not {resource!r}')
    return Statement(_EFFECTS[effect], _matches(actions), _matches(resources))


def _check_members(given: Any, known: Iterable[str], what: str) -> None:
    if not isinstance(given, Mapping):
        _refuse(f"{what} must be an object")
    strange = sorted(given.keys() - known)
    if strange:
        understood = ", ".join(sorted(known))
        _refuse(f"{what} has {strange[0]!r}; only {understood} are understood")


def _texts(given: Mapping[str, Any], name: str) -> list[str]:
    value = given.get(name)
    texts = [value] if isinstance(value, str) else value
    if (
        not isinstance(texts, list)
        or not texts
        or not all(isinstance(text, str) and text for text in texts)
    ):
        _refuse(f'"{name}" must be a text or a list of texts')
    return texts


def _check_actions(patterns: Iterable[str]) -> None:
    """Refuse an action that nothing asks for: it is a slip of the pen, or a wrong hope."""
    known = [action.lower() for action in known_actions()]
    for pattern in patterns:
        if not any(_match(pattern)(action) for action in known):
            _refuse(f"there is no action {pattern!r} here")


def _matches(patterns: Iterable[str]) -> tuple[Match, ...]:
    return tuple(_match(pattern) for pattern in patterns)


def _match(pattern: str) -> Match:
    """Compile a pattern; `translate` makes one that never goes back over the text."""
    return re.compile(translate(pattern.replace("[", "[[]"))).match


def _refuse(reason: str) -> NoReturn:
    msg = f"the policy is refused: {reason}"
    raise PolicyError(msg)
