"""The eighteen intrinsic functions, in one table."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from asl.calculations import (
    FunctionError,
    array,
    bounded,
    digest,
    number,
    parse,
    partition,
    same,
    seeded_bits,
    span,
    text,
)
from asl.jsonpath.formatting import parse_format
from asl.jsontext import dumps
from asl.model import Environment
from asl.payload import Json

Apply: TypeAlias = Callable[[Environment, list[Json]], Json]


@dataclass(frozen=True, slots=True)
class Function:
    """How a function is applied, and how few and how many arguments it takes."""

    apply: Apply
    arity: tuple[int, int]


def _contains(_environment: Environment, values: list[Json]) -> Json:
    return any(same(item, values[1]) for item in array(values[0]))


def _item(_environment: Environment, values: list[Json]) -> Json:
    items, index = array(values[0]), number(values[1])
    if not 0 <= index < len(items):
        msg = f"The index {index} is out of bounds"
        raise FunctionError(msg)
    return items[index]


def _unique(_environment: Environment, values: list[Json]) -> Json:
    seen: dict[str, Json] = {}
    for item in array(values[0]):
        seen.setdefault(dumps(item), item)
    return list(seen.values())


def _encode(_environment: Environment, values: list[Json]) -> Json:
    data = bounded(text(values[0]))
    return base64.b64encode(data.encode(errors="surrogatepass")).decode()


def _decode(_environment: Environment, values: list[Json]) -> Json:
    data = bounded(text(values[0]))
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        raise FunctionError("The input is not Base64 encoded text") from None


def _merge(_environment: Environment, values: list[Json]) -> Json:
    left, right, deep = values
    if not isinstance(left, dict) or not isinstance(right, dict):
        raise FunctionError("The arguments to merge must be objects")
    if deep is not False:
        raise FunctionError("Only the shallow merging mode is supported: pass false")
    return {**left, **right}


def _random(environment: Environment, values: list[Json]) -> Json:
    first, last = number(values[0]), number(values[1])
    if last <= first:
        raise FunctionError("The end number must be greater than the start number")
    if len(values) == 2:
        return first + int(environment.entropy.random() * (last - first))
    return first + seeded_bits(number(values[2])) % (last - first)


def _split(_environment: Environment, values: list[Json]) -> Json:
    """Split at every one of the delimiter's characters; empty pieces fall out."""
    data, delimiters = text(values[0]), set(text(values[1]))
    pieces: list[Json] = []
    start = 0
    for position, character in enumerate(data):
        if character in delimiters:
            if position > start:
                pieces.append(data[start:position])
            start = position + 1
    if start < len(data):
        pieces.append(data[start:])
    return pieces


def _format(_environment: Environment, values: list[Json]) -> Json:
    try:
        template = parse_format(text(values[0]))
    except ValueError as error:
        raise FunctionError(str(error)) from None
    if len(template.parts) != len(values):
        msg = (
            f"The number of placeholders ({len(template.parts) - 1}) does not match "
            f"the number of arguments ({len(values) - 1})"
        )
        raise FunctionError(msg)
    return template.fill(values[1:])


FUNCTIONS: Final[dict[str, Function]] = {
    "States.Array": Function(lambda _, values: values, (0, 1000)),
    "States.ArrayPartition": Function(
        lambda _, values: partition(array(values[0]), number(values[1])), (2, 2)
    ),
    "States.ArrayContains": Function(_contains, (2, 2)),
    "States.ArrayRange": Function(lambda _, values: span(*map(number, values)), (3, 3)),
    "States.ArrayGetItem": Function(_item, (2, 2)),
    "States.ArrayLength": Function(lambda _, values: len(array(values[0])), (1, 1)),
    "States.ArrayUnique": Function(_unique, (1, 1)),
    "States.Base64Encode": Function(_encode, (1, 1)),
    "States.Base64Decode": Function(_decode, (1, 1)),
    "States.Hash": Function(lambda _, values: digest(values[0], values[1]), (2, 2)),
    "States.JsonMerge": Function(_merge, (3, 3)),
    "States.JsonToString": Function(lambda _, values: dumps(values[0]), (1, 1)),
    "States.StringToJson": Function(lambda _, values: parse(values[0]), (1, 1)),
    "States.MathRandom": Function(_random, (2, 3)),
    "States.MathAdd": Function(
        lambda _, values: number(values[0]) + number(values[1]), (2, 2)
    ),
    "States.StringSplit": Function(_split, (2, 2)),
    "States.UUID": Function(lambda environment, _: environment.entropy.uuid(), (0, 0)),
    "States.Format": Function(_format, (1, 1000)),
}
