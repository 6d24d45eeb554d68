"""What is wrong with a text that is no JSON, whichever Python reads it."""

import pytest

from asl.jsonerrors import find_fault


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ('{"a": 1, }', "('}' (code 125)): was expecting double-quote", (1, 10)),
        ('{"a": 1,\n}', "('}' (code 125)): was expecting double-quote", (2, 1)),
        ("[1, ]", "(']' (code 93)): expected a valid value", (1, 5)),
        ("[1,,]", "(',' (code 44)): expected a valid value", (1, 4)),
        ("[1, x]", "Unrecognized token 'x'", (1, 5)),
        ('{"a": 1,', "Unexpected end-of-input", (1, 9)),
    ],
)
def test_a_fault_stands_where_something_else_was_expected(
    text: str, message: str, place: tuple[int, int]
) -> None:
    fault = find_fault(text, "otherwise")

    assert message in fault.message
    assert (fault.line, fault.column) == place
