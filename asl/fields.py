"""One JSON object of a definition, read field by field; what is wrong goes to the report.

Every reader returns None (or an empty value) after it reported something: the walk goes on,
so that one pass finds everything, and nobody runs what was compiled from a refused definition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from asl.payload import Json
from asl.report import Code, Location, Report

MAX_SECONDS: Final = 99_999_999


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one object, where it stands, and where findings go."""

    values: dict[str, Json]
    location: Location
    report: Report

    def __contains__(self, name: str) -> bool:
        """Tell whether the field is there (its value may be null)."""
        return name in self.values

    def at(self, *names: str | int) -> Location:
        """Return the location of a field, or of something within it."""
        return (*self.location, *names)

    def raw(self, name: str) -> Json:
        """Return a field's value as it stands, None when absent."""
        return self.values.get(name)

    def refuse(self, name: str, message: str, code: Code = Code.SCHEMA) -> None:
        """Report an error in a field."""
        self.report.error(message, self.at(name), code)

    def require(self, *names: str) -> bool:
        """Report the fields that are missing, in one finding."""
        missing = [name for name in names if name not in self.values]
        if missing:
            listed = ", ".join(missing)
            self.report.error(f"These fields are required: [{listed}]", self.location)
        return not missing

    def allow(self, allowed: Collection[str]) -> None:
        """Report every field that is not allowed here."""
        for name in self.values:
            if name not in allowed:
                message = f"Field '{name}' is not supported"
                self.report.misplaced(name, message, self.location)
        if "Comment" in allowed:
            self.text("Comment")

    def allow_in(
        self,
        language: str,
        common: Collection[str],
        by_language: Mapping[str, Collection[str]],
    ) -> None:
        """Report what is not allowed; some fields are there in one query language only."""
        allowed = {*common, *by_language[language]}
        for other, names in by_language.items():
            for name in self.values:
                if name in names and name not in allowed:
                    self.refuse_language(name, language, other)
            allowed.update(names)
        self.allow(allowed)

    def refuse_language(self, name: str, language: str, other: str) -> None:
        """Report a field that only the other query language has."""
        message = (
            f"The QueryLanguage is set to '{language}', but field '{name}' is only "
            f"supported for the '{other}' QueryLanguage"
        )
        self.report.misplaced(name, message, self.location)

    def exclusive(self, *names: str) -> None:
        """Report when more than one of the fields is given."""
        given = [name for name in names if name in self.values]
        if len(given) > 1:
            listed = ", ".join(given)
            message = f"There should only be one of the following fields: [{listed}]"
            self.report.error(message, self.location)

    def text(self, name: str) -> str | None:
        """Read a string."""
        value = self.values.get(name)
        if isinstance(value, str):
            return value
        if name in self.values:
            self.refuse(name, "Expected value of type String")
        return None

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """Read one of a few strings."""
        value = self.values.get(name)
        if isinstance(value, str) and value in allowed:
            return value
        if isinstance(value, str):
            listed = ", ".join(allowed)
            self.refuse(name, f"Value should be one of the following: [{listed}]")
        elif name in self.values:
            self.refuse(name, "Expected value of type [STRING]")
        return None

    def flag(self, name: str) -> bool | None:
        """Read a boolean."""
        value = self.values.get(name)
        if isinstance(value, bool):
            return value
        if name in self.values:
            self.refuse(name, "Expected value of type Boolean")
        return None

    def integer(
        self, name: str, minimum: int, maximum: int = MAX_SECONDS
    ) -> int | None:
        """Read an integer within limits."""
        value = self.values.get(name)
        if name not in self.values:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(name, "Expected value of type Integer")
            return None
        return int(value) if self._within(name, value, minimum, maximum) else None

    def number(self, name: str, minimum: float, maximum: float) -> float | None:
        """Read a number within limits."""
        value = self.values.get(name)
        if name not in self.values:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(name, "Expected value of type Number")
            return None
        return value if self._within(name, value, minimum, maximum) else None

    def _within(self, name: str, value: float, low: float, high: float) -> bool:
        if value < low:
            self.refuse(name, f"Minimum value is {low}")
        elif value > high:
            self.refuse(name, f"Maximum value is {high}")
        return low <= value <= high

    def object(self, name: str) -> Fields | None:
        """Read an object."""
        value = self.values.get(name)
        if isinstance(value, dict):
            return Fields(value, self.at(name), self.report)
        if name in self.values:
            self.refuse(name, "Expected value of type Object")
        return None

    def objects(self, name: str) -> Iterator[Fields]:
        """Read a list of objects."""
        for index, value in enumerate(self.array(name)):
            location = self.at(name, index)
            if isinstance(value, dict):
                yield Fields(value, location, self.report)
            else:
                self.report.error("Expected value of type Object", location)

    def array(self, name: str) -> list[Json]:
        """Read a list; an absent one is empty."""
        value = self.values.get(name)
        if isinstance(value, list):
            return value
        if name in self.values:
            self.refuse(name, "Expected value of type Array")
        return []

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of strings."""
        values = self.array(name)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                location = self.at(name, index)
                self.report.error("Expected value of type String", location)
        return tuple(value for value in values if isinstance(value, str))
