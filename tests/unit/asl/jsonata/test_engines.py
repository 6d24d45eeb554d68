import json
import time
from typing import Any

import pytest

from asl.jsonata.engine import (
    MAX_SOURCE,
    JsonataError,
    JsonataSyntaxError,
    context_names,
)
from asl.jsonata.python import PythonEngine
from asl.jsonata.rust import JlensEngine
from tests.support.expressions import NOW


@pytest.fixture(params=[JlensEngine, PythonEngine])
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param()


def evaluate(engine: Any, source: str, **bindings: Any) -> Any:
    text = engine.evaluate(engine.compile(source), bindings, NOW, 1)
    return None if text is None else json.loads(text)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$x + 1", 3),
        ("$nothing", None),
        ("$d.a", [1]),
        ("$d.b", {"c": None}),
        ("$sum($d.a) * 2", 2),
        ("$f(2)", 20),
        ("$map([1, 2], function($v) { $v * $x })", [2, 4]),
        ("$now()", "2026-03-01T09:00:00.000Z"),
        ("$uppercase('a') & 'b'", "Ab"),
        ("[1, 'two', 3]", [1, "two", 3]),
    ],
)
def test_both_engines_agree(engine: Any, source: str, expected: Any) -> None:
    document = {"a": [1], "b": {"c": None}}

    assert evaluate(engine, source, x=2, d=document, f=lambda n: n * 10) == expected


def test_null_is_not_undefined(engine: Any) -> None:
    assert engine.evaluate(engine.compile("null"), {}, NOW, 1) == "null"


def test_chance_is_repeatable(engine: Any) -> None:
    assert evaluate(engine, "$random()") == evaluate(engine, "$random()")


def test_free_names(engine: Any) -> None:
    query = engine.compile("($a := $b; $map($c, function($v) { $v + $a + $sum($d) }))")

    assert query.reads == {"b", "c", "d"}


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("$nothing(1)", "T1006"),
        ("'a' + 1", "T2001"),
    ],
)
def test_errors_carry_their_code(engine: Any, source: str, code: str) -> None:
    with pytest.raises(JsonataError) as failure:
        evaluate(engine, source)

    assert failure.value.code == code


def test_an_endless_evaluation_is_stopped(engine: Any) -> None:
    with pytest.raises(JsonataError):
        evaluate(engine, "($f := function(){ $f() }; $f())")


@pytest.mark.parametrize("source", ["", "1 +", "$f(", "{"])
def test_syntax_errors(engine: Any, source: str) -> None:
    with pytest.raises(JsonataSyntaxError):
        engine.compile(source)


@pytest.mark.parametrize("unit", [r"\/*", '\\"', "\\'", "`", "$"])
def test_the_context_is_found_soon_in_the_longest_source(unit: str) -> None:
    source = "[$, /" + unit * ((MAX_SOURCE - 10) // len(unit)) + "x/]"
    began = time.thread_time()

    names = context_names(source)

    assert time.thread_time() - began < 1
    assert names == {"$"}


def test_texts_names_and_comments_are_no_context() -> None:
    assert context_names('\'$\' & "\\"$$" & `$` /* $$ */ & $a') == set()
    assert context_names("'a' & $$ & `b`") == {"$$"}
