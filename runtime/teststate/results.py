"""Whether a mocked result could be a service's answer, judged by the service's API model.

The model comes in through a protocol: where its files are is not known here. Members that a
model does not know are let pass, as the public service does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NoReturn, Protocol

from asl.payload import Json
from runtime.teststate.errors import RefusedTrialError


class FieldValidation(StrEnum):
    """How closely a mocked result is looked at."""

    STRICT = "STRICT"
    PRESENT = "PRESENT"
    NONE = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultShape:
    """What one value of an answer must be; `members` leads from names to shapes' names."""

    kind: str
    members: Mapping[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    item: str = ""
    enum: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ResultModel:
    """The shape of an operation's answer, and the way to the shapes within it."""

    root: str
    shape: Callable[[str], ResultShape]


class ServiceModels(Protocol):
    """Where the API models of services come from."""

    def result_model(self, service: str, action: str) -> ResultModel | None:
        """Return the model of what an integration yields; None where none is known."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A JSON type and its name with an article."""

    types: tuple[type, ...]
    name: str

    def fits(self, value: Json) -> bool:
        """Tell whether a value is of the type; a boolean is no number."""
        if isinstance(value, bool):
            return bool in self.types
        return isinstance(value, self.types)


_TEXT: Final = _Wanted((str,), "a string")
_NUMBER: Final = _Wanted((int, float), "a number")
_BOOLEAN: Final = _Wanted((bool,), "a boolean")
_ARRAY: Final = _Wanted((list,), "an array")
_OBJECT: Final = _Wanted((dict,), "an object")
_WANTED: Final[dict[str, _Wanted]] = {
    "string": _TEXT,
    "character": _TEXT,
    "blob": _TEXT,
    "timestamp": _TEXT,
    "byte": _NUMBER,
    "short": _NUMBER,
    "integer": _NUMBER,
    "long": _NUMBER,
    "float": _NUMBER,
    "double": _NUMBER,
    "bigdecimal": _NUMBER,
    "biginteger": _NUMBER,
    "boolean": _BOOLEAN,
    "list": _ARRAY,
    "map": _OBJECT,
    "structure": _OBJECT,
}


def check_result(value: Json, model: ResultModel, mode: FieldValidation) -> None:
    """Refuse a mocked result that the service's model rules out."""
    if mode is not FieldValidation.NONE:
        _Check(model, is_strict=mode is FieldValidation.STRICT).members(
            value, model.shape(model.root)
        )


@dataclass(frozen=True, slots=True)
class _Check:
    """One walk over a mocked result and its model; `is_strict` asks for what is required."""

    model: ResultModel
    is_strict: bool

    def members(self, value: Json, shape: ResultShape) -> None:
        """Check the fields of an object."""
        assert isinstance(value, dict), "the type was checked"
        if self.is_strict:
            for name in sorted(shape.required - value.keys()):
                _refuse(f"Required field '{name}' is missing")
        for name, member in value.items():
            if name in shape.members:
                self.field(name, member, shape.members[name])

    def field(self, name: str, value: Json, shape_name: str) -> None:
        """Check one field, and what is in it."""
        shape = self.model.shape(shape_name)
        wanted = _WANTED.get(shape.kind)
        if wanted is None:
            return
        if not wanted.fits(value):
            _refuse(f"Field '{name}' must be {wanted.name}")
        if shape.enum and value not in shape.enum:
            _refuse(f"Field '{name}' is not an expected value")
        if shape.kind == "structure":
            self.members(value, shape)
            return
        for item in _items(value):
            self.field(name, item, shape.item)


def _items(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []


def _refuse(reason: str) -> NoReturn:
    msg = f"Mock result schema validation error: {reason}"
    raise RefusedTrialError(msg)
