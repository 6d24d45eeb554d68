"""What a query language must be able to compile; JSONPath and JSONata are the two.

An instance is made per state, by `asl.states`, and reads that state's fields. Whatever it
finds wrong goes to the report of those fields; whatever variables it meets go to `references`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from asl.fields import Fields
from asl.model import Environment, Expression, Leave, Seconds, Tolerance
from asl.payload import Json, Payload
from asl.report import Location

MAX_TEMPLATE_DEPTH: Final = 150

Due: TypeAlias = Callable[[Environment, datetime], datetime]
Failure: TypeAlias = Callable[[Environment], tuple[str | None, str | None]]
Items: TypeAlias = Callable[[Environment], list[Json]]
ItemInput: TypeAlias = Callable[[Environment, int, Json], Payload]
Condition: TypeAlias = Callable[[Environment], bool]
Credentials: TypeAlias = Callable[[Environment], Json]


@dataclass(frozen=True, slots=True)
class Scope:
    """One state at parse time: its name, its fields, and the variables it refers to."""

    name: str
    fields: Fields
    references: set[str] = field(default_factory=set)


def is_too_deep(location: Location, scope: Scope) -> bool:
    """Tell, and report, that a template is nested deeper than can be evaluated."""
    if len(location) - len(scope.fields.location) <= MAX_TEMPLATE_DEPTH:
        return False
    scope.fields.report.error("The template is too deeply nested", location)
    return True


class QueryLanguage(Protocol):
    """The compiler of one state's expressions."""

    name: str

    def arguments(self) -> Expression:
        """Compile what a Task or Parallel passes on."""

    def payload(self, fields: Fields, name: str) -> Expression | None:
        """Compile a template in a field of an inner object; None when absent."""

    def amount(self, fields: Fields, name: str, most: int) -> Seconds | None:
        """Compile a bound in a field of an inner object; None when absent, 0 for none."""

    def credentials(self) -> Credentials | None:
        """Compile the Credentials of a Task."""

    def seconds(self, name: str) -> Seconds | None:
        """Compile TimeoutSeconds or HeartbeatSeconds; None when absent."""

    def leave(self) -> Leave:
        """Compile how a state with a result (Task, Parallel, Map) is left."""

    def leave_pass(self) -> Leave:
        """Compile how a Pass is left."""

    def leave_plain(self) -> Leave:
        """Compile how a state without a result of its own (Wait, Succeed) is left."""

    def leave_choice(self, rule: Fields | None) -> Leave:
        """Compile how a Choice is left by a rule, or by Default."""

    def leave_caught(self, catcher: Fields) -> Leave:
        """Compile how a state is left by a catcher."""

    def condition(self, rule: Fields) -> Condition:
        """Compile the condition of a choice rule."""

    def due(self) -> Due:
        """Compile the end of a Wait."""

    def failure(self) -> Failure:
        """Compile the error and cause of a Fail."""

    def items(self) -> Items:
        """Compile the list that a Map iterates over."""

    def item_input(self) -> ItemInput:
        """Compile the input of one iteration."""

    def max_concurrency(self) -> Seconds:
        """Compile the bound on concurrent iterations; 0 means none."""

    def tolerance(self) -> Callable[[Environment], Tolerance]:
        """Compile how many iterations may fail."""
