"""JSON that is exact, and nothing that is not JSON."""

import enum
import uuid
from decimal import Decimal

import pytest

from stepwell.exactjson import Json, dumps, loads


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        2**53 + 1,
        2**63,
        2**64,
        -(2**70),
        10**30,
        1.5,
        1e300,
        "\ud800",
        "😀",
        "a\u0000b",
        {"a": [1, {"b": None}], "": "null"},
    ],
)
def test_values_come_back_as_they_were(value: Json) -> None:
    assert loads(dumps(value)) == value
    assert type(loads(dumps(value))) is type(value)


def test_an_integer_beyond_the_limit_of_digits_is_read() -> None:
    value: object = loads(b"1" * 5000)

    assert value == Decimal("1" * 5000)


@pytest.mark.parametrize("text", [b"NaN", b"[Infinity]", b"{", b"", b'"\\ud800'])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        loads(text)


@pytest.mark.parametrize(
    "value", [float("nan"), [1, {"a": float("inf")}, None], {1, 2}, object(), b"bytes"]
)
def test_values_that_are_not_json_are_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        dumps(value)


def test_nesting_without_end_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)

    with pytest.raises((ValueError, RecursionError)):
        dumps(loop)


def test_values_near_to_json_are_taken_on_both_ways() -> None:
    identity = uuid.UUID(int=1)
    near = [Decimal(5), Decimal("1.5"), identity, Colour.RED, (1, 2), {1: "a"}]
    plain = [5, 1.5, str(identity), "red", [1, 2], {"1": "a"}]

    assert loads(dumps(near)) == plain
    assert loads(dumps([*near, 2**70])) == [*plain, 2**70]
