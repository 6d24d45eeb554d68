from typing import Any

import pytest

from asl.errors import StatesError
from asl.jsonpath.intrinsics import IntrinsicSyntaxError, compile_intrinsic
from asl.payload import Payload
from tests.support.expressions import environment

DOCUMENT: dict[str, Any] = {
    "name": "Ann",
    "n": 1.5,
    "list": [1, 2, 2, 3],
    "map": {"a": None, "b": [True]},
}


def call(text: str, **given: Any) -> Any:
    env = environment(DOCUMENT, **given)
    return compile_intrinsic(text).read(env, Payload.of_value(DOCUMENT))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("States.Format('Hi {}', $.name)", "Hi Ann"),
        ("States.Format('{} {} {}', 1, 1.5, true)", "1 1.5 true"),
        ("States.Format('{}', $.map)", "{a=null, b=[true]}"),
        (r"States.Format('\{{}\}', null)", "{null}"),
        ("States.Array()", []),
        ("States.Array(1, 'a', $.map)", [1, "a", {"a": None, "b": [True]}]),
        ("States.ArrayPartition($.list, 3)", [[1, 2, 2], [3]]),
        ("States.ArrayContains($.list, 3)", True),
        ("States.ArrayContains($.list, true)", False),
        ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
        ("States.ArrayGetItem($.list, 3)", 3),
        ("States.ArrayLength($.list)", 4),
        ("States.ArrayUnique($.list)", [1, 2, 3]),
        ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
        ("States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "Data to encode"),
        (
            "States.Hash('input data', 'SHA-1')",
            "aaff4a450a104cd177d28d18d74485e8cae074b7",
        ),
        ("States.JsonMerge($.map, States.StringToJson('{\"a\":1}'), false)", None),
        ("States.JsonToString($.map)", '{"a":null,"b":[true]}'),
        ("States.StringToJson(' ')", None),
        ("States.StringToJson('[1, \"x\"]')", [1, "x"]),
        ("States.MathAdd(1.49, 1.5)", 3),
        ("States.MathAdd(-1.5, -1.51)", -3),
        ("States.MathAdd(-2.5, 0)", -2),
        ("States.MathRandom(1, 11)", 6),
        ("States.StringSplit('1.2,.3', '.,')", ["1", "2", "3"]),
        ("States.UUID()", "5d3bd1f4-5f0e-4d7e-9d5c-0f3c2f6d1e11"),
        ("States.Format($$.StateMachine.Name)", "orders"),
        ("States.StringSplit($who, ' ')", ["a", "b"]),
        ("States.Format('it\\'s')", "it's"),
    ],
)
def test_functions(text: str, expected: Any) -> None:
    value = call(text, variables={"who": "a b"})

    assert value == (expected if expected is not None else value)


def test_merge_is_shallow_and_the_right_side_wins() -> None:
    merged = call("States.JsonMerge($.map, States.StringToJson('{\"a\":1}'), false)")

    assert merged == {"a": 1, "b": [True]}


def test_a_seed_makes_chance_repeatable() -> None:
    assert call("States.MathRandom(0, 999, 3)") == call("States.MathRandom(0, 999, 3)")


@pytest.mark.parametrize(
    "text",
    [
        "States.Nothing()",
        "States.Format(",
        "States.Format('a' 'b')",
        "States.ArrayLength()",
        "States.UUID(1)",
        'States.StringToJson(\'{"a": \\"b\\"}\')',
        "States.Format('x') and more",
        "States.ArrayGetItem($.list, 0",
        "States.Format(name)",
    ],
)
def test_what_is_no_call_is_refused(text: str) -> None:
    with pytest.raises(IntrinsicSyntaxError):
        compile_intrinsic(text)


@pytest.mark.parametrize(
    "text",
    [
        "States.ArrayGetItem($.list, 9)",
        "States.ArrayLength($.name)",
        "States.ArrayPartition($.list, 0)",
        "States.ArrayRange(0, 5000, 1)",
        f"States.ArrayRange(0, {10**30}, 1)",
        f"States.ArrayRange(0, {-(10**30)}, -1)",
        "States.ArrayRange(0, 5, 0)",
        "States.Format('{} {}', 1)",
        "States.Format('{', 1)",
        "States.Hash('x', 'CRC')",
        "States.Base64Decode('*')",
        "States.StringToJson('{')",
        "States.JsonMerge($.map, $.map, true)",
        "States.MathAdd('1', 2)",
        "States.MathRandom(2, 1)",
    ],
)
def test_a_call_that_cannot_be_made_fails(text: str) -> None:
    with pytest.raises(StatesError) as failure:
        call(text)

    assert failure.value.error == "States.IntrinsicFailure"
    assert (failure.value.cause or "").startswith("The function 'States.")


def test_a_path_argument_that_leads_nowhere_is_a_runtime_error() -> None:
    with pytest.raises(StatesError) as failure:
        call("States.Array(1, States.Format('{}', $.missing))")

    assert failure.value.error == "States.Runtime"
    assert "field '$.missing' could not be found" in (failure.value.cause or "")


def test_variables_are_noted() -> None:
    intrinsic = compile_intrinsic("States.Format('{}', $who, States.Array($what.x))")

    assert intrinsic.variables == {"who", "what"}
