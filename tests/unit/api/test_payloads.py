from __future__ import annotations

import pytest

from api.errors import InvalidExecutionInput, InvalidOutput, ValidationException
from api.payloads import check_input, check_output, is_too_deep
from asl.payload import Json


def nested(levels: int, innermost: Json) -> Json:
    value = innermost
    for _ in range(levels):
        value = [value]
    return value


def test_five_hundred_levels_are_not_too_deep() -> None:
    assert not is_too_deep(nested(500, 1))
    assert is_too_deep(nested(501, 1))
    assert is_too_deep(nested(500, {}))


def test_flat_value_is_not_too_deep() -> None:
    assert not is_too_deep(1)
    assert not is_too_deep([{"a": [1]}] * 1_000)


@pytest.mark.parametrize("text", ["", "{", "NaN", "[1,]", "'a'", "[" * 600 + "]" * 600])
def test_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidExecutionInput):
        check_input(text)
    with pytest.raises(InvalidOutput):
        check_output(text)


def test_size_is_counted_in_bytes() -> None:
    assert check_output('"' + "é" * 131_071 + '"')
    with pytest.raises(ValidationException):
        check_output('"' + "é" * 131_072 + '"')


def test_text_that_is_no_json_is_refused_in_the_words_of_the_parser() -> None:
    with pytest.raises(InvalidExecutionInput) as refused:
        check_input('{"a": b}')

    assert str(refused.value) == (
        "Invalid State Machine Execution Input: 'Unrecognized token 'b': was expecting"
        " (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n"
        ' at [Source: (String)"{"a": b}"; line: 1, column: 8]\''
    )
