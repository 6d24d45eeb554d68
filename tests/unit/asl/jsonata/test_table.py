"""Both engines against the values that JSONata's documentation gives."""

import json
from typing import Any

import pytest

from asl.jsonata.engine import Engine, JsonataError, JsonataSyntaxError
from asl.jsonata.functions import added_functions, with_functions
from asl.jsonata.python import PythonEngine
from asl.jsonata.rust import JlensEngine
from tests.support.expressions import NOW, environment
from tests.unit.asl.jsonata.table import DOCUMENT, REFUSED, TABLE, WRONG

ENGINES: dict[str, Engine] = {"rust": JlensEngine(), "python": PythonEngine()}

# The fallback leaves these to Python, which has no codes.
OTHERWISE = {("python", "$number('a')"): "D1001", ("python", "$toMillis('x')"): "D1001"}


def evaluate(engine: Engine, source: str) -> Any:
    query = engine.compile(with_functions(source))
    hosts = {name: make(environment()) for name, make in added_functions(query.source)}
    text = engine.evaluate(query, {"d": DOCUMENT, **hosts}, NOW, 1)
    return ... if text is None else json.loads(text)


def typed(value: Any) -> Any:
    """Tell true from 1, which Python takes for equal; 1 and 1.0 are one number."""
    if isinstance(value, dict):
        return {name: typed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    return (isinstance(value, bool), value)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("category", TABLE)
def test_expressions_have_their_documented_values(name: str, category: str) -> None:
    found = {source: evaluate(ENGINES[name], source) for source, _ in TABLE[category]}

    wrong = {
        source: (found[source], expected)
        for source, expected in TABLE[category]
        if typed(found[source]) != typed(expected)
    }
    assert wrong == {}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(("source", "code"), REFUSED)
def test_what_fails_has_its_documented_code(name: str, source: str, code: str) -> None:
    with pytest.raises(JsonataError) as refused:
        evaluate(ENGINES[name], source)

    assert refused.value.code in {code, OTHERWISE.get((name, source))}


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("source", WRONG)
def test_what_is_no_expression_is_refused(name: str, source: str) -> None:
    with pytest.raises(JsonataSyntaxError):
        ENGINES[name].compile(source)


def test_the_table_is_long() -> None:
    assert sum(map(len, TABLE.values())) > 200
