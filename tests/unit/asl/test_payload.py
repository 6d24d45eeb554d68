import pytest

from asl.errors import StatesError
from asl.payload import Json, Payload


def test_a_text_is_kept_to_the_byte() -> None:
    payload = Payload.of_text('{ "a" : 1e2 }')

    assert payload.value == {"a": 100.0}
    assert payload.text == '{ "a" : 1e2 }'


def test_text_and_value_are_made_once() -> None:
    payload = Payload.of_value({"a": [1]})

    assert payload.text is payload.text
    assert payload.text == '{"a":[1]}'
    assert payload.value is payload.value


def test_payloads_are_equal_by_text() -> None:
    assert Payload.of_text("[1]") == Payload.of_value([1])
    assert Payload.of_text("[1]") != Payload.of_text("[1.0]")
    assert len({Payload.of_text("1"), Payload.of_value(1)}) == 1


def test_null_is_a_value() -> None:
    assert Payload.of_value(None).text == "null"


def test_a_value_too_deep_to_be_written_fails_the_state() -> None:
    value: Json = []
    for _ in range(600):
        value = [value]

    with pytest.raises(StatesError) as failure:
        _ = Payload.of_value(value).text

    assert failure.value.error == "States.Runtime"
