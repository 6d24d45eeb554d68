"""Definitions of a mebibyte, each with very much of one thing: judged soon."""

import gc
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from asl.parse import parse_machine
from asl.validate import validate
from cli.lifetime import calm_collector

MEBIBYTE: Final = 1 << 20
# Each takes well under a second; what grows with the square of its length takes minutes.
LONGEST: Final = 5
ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:f"
END: Final = {"Type": "Succeed"}


@pytest.fixture(autouse=True, scope="module")
def _collector() -> Iterator[None]:
    """Let the garbage collector work as in servers, and leave alone what pytest holds."""
    thresholds = gc.get_threshold()
    calm_collector()
    yield
    gc.set_threshold(*thresholds)


def passing(**fields: Any) -> Any:
    return {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True, **fields}}}


def jsonata(output: Any) -> Any:
    return {"QueryLanguage": "JSONata", **passing(Output=output)}


def chain(count: int, make: Callable[[int], Any]) -> Any:
    states = {f"s{n}": {**make(n), "Next": f"s{n + 1}"} for n in range(count)}
    return {"StartAt": "s0", "States": {**states, f"s{count}": END}}


def choice(rules: list[Any]) -> Any:
    choices = [{**rule, "Next": "B"} for rule in rules]
    return {
        "StartAt": "A",
        "States": {"A": {"Type": "Choice", "Choices": choices}, "B": END},
    }


def work(n: int) -> Any:
    parameters = {"a.$": f"$.a{n}.b[0]", "b.$": f"States.Format('{{}} {n}', $.x)"}
    return {"Type": "Task", "Resource": ARN, "Parameters": parameters}


def repeated(text: str, start: str = "", end: str = "") -> str:
    return start + text * ((MEBIBYTE - 300) // len(text)) + end


MANY: Final[dict[str, Callable[[], Any]]] = {
    "states": lambda: chain(18_000, lambda _: {"Type": "Pass"}),
    "tasks": lambda: chain(4_000, work),
    "filters": lambda: chain(
        8_000, lambda n: {"Type": "Pass", "InputPath": f"$.a[?(@.b{n}==1 && @.c>2)]"}
    ),
    "wrong states": lambda: chain(20_000, lambda _: {"Type": "No", "x": 1}),
    "unreachable states": lambda: {
        "StartAt": "s0",
        "States": {f"s{n}": END for n in range(30_000)},
    },
    "rules": lambda: choice(
        [{"Variable": f"$.a{n}", "NumericEquals": n} for n in range(17_000)]
    ),
    "terms of a rule": lambda: choice(
        [{"Or": [{"Variable": "$.a", "StringMatches": "*"}] * 18_000}]
    ),
    "stars": lambda: choice([{"Variable": "$.a", "StringMatches": repeated("*a")}]),
    "branches": lambda: passing(
        Type="Parallel",
        Branches=[
            {"StartAt": f"b{n}", "States": {f"b{n}": END}} for n in range(16_000)
        ],
    ),
    "catchers": lambda: passing(
        Type="Task",
        Resource=ARN,
        Catch=[{"ErrorEquals": [f"E{n}"], "Next": "A"} for n in range(22_000)],
    ),
    "dynamic fields": lambda: passing(
        Parameters={f"a{n}.$": f"$v{n}.x" for n in range(38_000)}
    ),
    "assigned variables": lambda: passing(
        Assign={f"v{n}.$": f"$.a{n}" for n in range(38_000)}
    ),
    "unknown fields": lambda: passing(**{f"x{n}": 1 for n in range(80_000)}),
    "expressions": lambda: jsonata(
        {f"k{n}": f"{{% $x{n}.a %}}" for n in range(37_000)}
    ),
    "half expressions": lambda: jsonata(["{% a"] * 120_000),
    "steps": lambda: passing(InputPath=repeated(".a", "$")),
    "descents": lambda: passing(InputPath=repeated("..a", "$")),
    "terms of a filter": lambda: passing(
        InputPath=repeated("@.a==1&&", "$[?(", "@.b)]")
    ),
    "open brackets": lambda: passing(InputPath=repeated("[", "$")),
    "indices": lambda: passing(InputPath=repeated("1,", "$[", "1]")),
    "digits of an index": lambda: passing(InputPath=repeated("9", "$[", "]")),
    "calls": lambda: passing(Parameters={"a.$": repeated("States.Array(")}),
    "arguments": lambda: passing(
        Parameters={"a.$": repeated("$.a,", "States.Array(", "$.a)")}
    ),
    "letters of a literal": lambda: passing(
        Parameters={"a.$": repeated("x", "States.Format('", "')")}
    ),
    "terms": lambda: jsonata(repeated("1+", "{% ", "1 %}")),
    "elements": lambda: jsonata(repeated("$a.b,", "{% [", "1] %}")),
    "parentheses": lambda: jsonata(repeated("(", "{% ", " %}")),
    "groups": lambda: jsonata(repeated("(a*)*", "{% /", "/ %}")),
    "letters of a resource": lambda: passing(
        Type="Task", Resource=repeated("a-", "arn:aws:states:::")
    ),
    "digits of a fraction": lambda: passing(
        Type="Wait", Timestamp=repeated("0", "2020-01-01T00:00:00.", "Z")
    ),
    "long integers": lambda: passing(Result=[10**4000] * 250),
    "wide letters": lambda: passing(
        Parameters={"日本" * 20 + str(n): "語" for n in range(7_000)}
    ),
}
TEXTS: Final[dict[str, str]] = {
    "open arrays": "[" * MEBIBYTE,
    "open objects": '{"a":' * (MEBIBYTE // 5),
    "open text": '"' + "\\" * MEBIBYTE,
    "digits": "9" * MEBIBYTE,
    "digits of an exponent": '{"a":1e' + "9" * MEBIBYTE + "}",
    "surrogates": '{"Comment":"' + "\\ud800" * (MEBIBYTE // 6) + '"}',
    "lines": "{" + "\n" * MEBIBYTE + "x",
    "letters": "a" * MEBIBYTE,
    "blanks": " " * MEBIBYTE,
    "states of one name": '{"StartAt":"A","States":{'
    + ",".join(['"A":{"Type":"Succeed"}'] * 45_000)
    + "}}",
}


def seconds_to_judge(text: str) -> float:
    """Return the time of the quicker of two runs: the machine has other work, too."""
    return min(_seconds(text), _seconds(text))


def _seconds(text: str) -> float:
    began = time.thread_time()
    validate(text)
    return time.thread_time() - began


@pytest.mark.slow
@pytest.mark.parametrize("name", MANY)
def test_much_of_one_thing_is_judged_soon(name: str) -> None:
    text = json.dumps(MANY[name](), ensure_ascii=False)

    assert 0.5 * MEBIBYTE < len(text.encode()) < 1.1 * MEBIBYTE
    assert seconds_to_judge(text) < LONGEST


@pytest.mark.parametrize("name", TEXTS)
def test_much_that_is_no_definition_is_judged_soon(name: str) -> None:
    assert seconds_to_judge(TEXTS[name]) < LONGEST


def test_the_largest_machine_compiles() -> None:
    machine = parse_machine(json.dumps(MANY["states"]()))

    assert len(machine.regions[0].states) == 18_001
