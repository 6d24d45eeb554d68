"""What is wrong with a definition: diagnostics, collected in one pass over all of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from asl.errors import DefinitionError

Location: TypeAlias = tuple[str | int, ...]
"""Where in a definition: the names and indices that lead there."""


def service_location(location: Location) -> str:
    """Write a location as the public service does: `/States/A/Choices[0]/Next`."""
    steps = (f"[{step}]" if isinstance(step, int) else f"/{step}" for step in location)
    return "".join(steps) or "/"


def json_pointer(location: Location) -> str:
    """Write a location as a JSON pointer: `/States/A/Choices/0/Next`."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in location)
    return "".join(f"/{step}" for step in steps)


class Severity(StrEnum):
    """How bad a diagnostic is; an ERROR refuses the definition."""

    ERROR = "ERROR"
    WARNING = "WARNING"


class Code(StrEnum):
    """The public codes of diagnostics."""

    INVALID_JSON = "INVALID_JSON_DESCRIPTION"
    MISSING_DESCRIPTION = "MISSING_DESCRIPTION"
    SCHEMA = "SCHEMA_VALIDATION_FAILED"
    INVALID_RESOURCE = "INVALID_RESOURCE"
    MISSING_END_STATE = "MISSING_END_STATE"
    DUPLICATE_STATE_NAME = "DUPLICATE_STATE_NAME"
    INVALID_STATE_NAME = "INVALID_STATE_NAME"
    DUPLICATE_LABEL_NAME = "DUPLICATE_LABEL_NAME"
    INVALID_LABEL_NAME = "INVALID_LABEL_NAME"
    MISSING_TRANSITION_TARGET = "MISSING_TRANSITION_TARGET"
    TOO_DEEPLY_NESTED = "TOO_DEEPLY_NESTED"
    INVALID_JSONATA = "INVALID_JSONATA_EXPRESSION"
    UNSUPPORTED_JSONATA = "UNSUPPORTED_JSONATA_EXPRESSION"
    NO_DOLLAR = "NO_DOLLAR"
    NO_PATH = "NO_PATH"
    PASS_RESULT_IS_STATIC = "PASS_RESULT_IS_STATIC"  # noqa: S105 - a code, not a password


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding; `location` is written as the service does, `pointer` as JSON pointers are.

    The service tells no location of what is wrong with a workflow as a whole, and the one of
    the object for a field that must not be there; the pointer leads to the field. `place` is
    the line and column of a finding that no pointer leads to.
    """

    severity: Severity
    code: Code
    message: str
    location: str | None
    pointer: str
    place: tuple[int, int] | None = None


@dataclass(slots=True)
class Report:
    """Everything found in one definition, in the order of the walk."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def error(self, message: str, location: Location, code: Code = Code.SCHEMA) -> None:
        """Note something that refuses the definition."""
        self._add(Severity.ERROR, code, message, location, service_location(location))

    def misplaced(self, name: str, message: str, location: Location) -> None:
        """Note a field that must not be in the object at a location."""
        shown = service_location(location)
        self._add(Severity.ERROR, Code.SCHEMA, message, (*location, name), shown)

    def endless(self, location: Location) -> None:
        """Note that the states at a location lead to no end."""
        message = "Workflow has no terminal state"
        self._add(Severity.ERROR, Code.MISSING_END_STATE, message, location, None)

    def warn(self, message: str, location: Location, code: Code) -> None:
        """Note something that is allowed and probably not meant."""
        self._add(Severity.WARNING, code, message, location, service_location(location))

    def malformed(self, message: str, source: str, place: tuple[int, int]) -> None:
        """Note that the text is no JSON; its location is a place in the text."""
        found = Diagnostic(
            Severity.ERROR, Code.INVALID_JSON, message, source, "", place
        )
        self.diagnostics.append(found)

    def _add(
        self,
        severity: Severity,
        code: Code,
        message: str,
        location: Location,
        shown: str | None,
    ) -> None:
        pointer = json_pointer(location)
        self.diagnostics.append(Diagnostic(severity, code, message, shown, pointer))

    @property
    def errors(self) -> list[Diagnostic]:
        """The findings that refuse the definition."""
        return [item for item in self.diagnostics if item.severity is Severity.ERROR]

    def raise_errors(self) -> None:
        """Raise DefinitionError when there is an error, with all of them in one message."""
        errors = self.errors
        if errors:
            listed = ", ".join(map(_in_message, errors))
            msg = f"Invalid State Machine Definition: '{listed}'"
            raise DefinitionError(msg)


def _in_message(error: Diagnostic) -> str:
    return f"{error.code}: {error.message} at {error.location or 'null'}"
