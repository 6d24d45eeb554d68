"""The public API model: botocore's `service-2.json` for Step Functions, read as data.

Only the file is read; botocore itself is never imported beyond its empty package, so that
starting the server stays quick.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import orjson

_FOLDER: Final = "data/stepfunctions/2016-11-23"

# The service lists these values in an order of its own (recorded).
_RECORDED_ENUMS: Final[dict[str, tuple[str, ...]]] = {
    "ExecutionStatus": (
        "SUCCEEDED",
        "TIMED_OUT",
        "PENDING_REDRIVE",
        "ABORTED",
        "FAILED",
        "RUNNING",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One shape of the model: what a value of it must be."""

    name: str
    type: str
    members: dict[str, str]
    required: frozenset[str]
    item: str | None
    minimum: float | None
    maximum: float | None
    pattern: str | None
    enum: tuple[str, ...]
    sensitive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the model: its request shape and the errors it may answer."""

    name: str
    request: str
    errors: frozenset[str]
    host_prefix: str


@dataclass(frozen=True, slots=True)
class ApiModel:
    """All operations and shapes, and which shapes are errors."""

    operations: dict[str, Operation]
    shapes: dict[str, Shape]
    errors: frozenset[str]


@cache
def api_model() -> ApiModel:
    """Read the model, once per process."""
    document = _read_document()
    shapes = document["shapes"]
    return ApiModel(
        operations={
            name: _operation(name, entry)
            for name, entry in document["operations"].items()
        },
        shapes={name: _shape(name, entry) for name, entry in shapes.items()},
        errors=frozenset(
            name for name, entry in shapes.items() if "exception" in entry
        ),
    )


def _read_document() -> dict[str, Any]:
    folder = files("botocore").joinpath(_FOLDER)
    packed = folder.joinpath("service-2.json.gz")
    if packed.is_file():
        text = gzip.decompress(packed.read_bytes())
    else:
        text = folder.joinpath("service-2.json").read_bytes()
    document: dict[str, Any] = orjson.loads(text)
    return document


def _operation(name: str, entry: dict[str, Any]) -> Operation:
    return Operation(
        name=name,
        request=entry["input"]["shape"],
        errors=frozenset(error["shape"] for error in entry.get("errors", ())),
        host_prefix=entry.get("endpoint", {}).get("hostPrefix", ""),
    )


def _shape(name: str, entry: dict[str, Any]) -> Shape:
    members = entry.get("members", {})
    return Shape(
        name=name,
        type=entry["type"],
        members={member: reference["shape"] for member, reference in members.items()},
        required=frozenset(entry.get("required", ())),
        item=entry.get("member", {}).get("shape"),
        minimum=entry.get("min"),
        maximum=entry.get("max"),
        pattern=entry.get("pattern"),
        enum=_RECORDED_ENUMS.get(name, tuple(entry.get("enum", ()))),
        sensitive=bool(entry.get("sensitive")),
    )
