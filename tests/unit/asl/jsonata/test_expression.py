import contextlib
from typing import Any

import pytest

from asl.errors import DefinitionError, StatesError
from asl.jsonata.engine import JsonataError
from asl.parse import parse_machine
from tests.support.expressions import compiled, environment


def output(template: Any, env: Any) -> Any:
    state = compiled({"Type": "Pass", "End": True, "Output": template}, "JSONata")
    return state.leave(env).output


def evaluate(expression: str, value: Any = None, **given: Any) -> Any:
    return output(f"{{% {expression} %}}", environment(value, **given)).value


def failure_of(template: Any, env: Any) -> Any:
    with pytest.raises(StatesError) as failure:
        output(template, env)
    return failure.value


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$states.input.a.b", 1),
        ("$states.input.list.x", [1, 2]),
        ("$states.input.one", [7]),
        ("$states.context.Execution.Name", "order-1"),
        ("$total + $states.input.a.b", 11),
        ("$total", 10),
        ("$x := 1", 1),
        ("null", None),
        ("[]", []),
        ("$contains('hello$world', /^hello\\$/)", True),
        ("$exists($nothing)", False),
        ("$now()", "2026-03-01T09:00:00.000Z"),
        ("$partition([1, 2, 3], 2)", [[1, 2], [3]]),
        ("$range(1, 9, 4)", [1, 5, 9]),
        ("$hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("$uuid()", "5d3bd1f4-5f0e-4d7e-9d5c-0f3c2f6d1e11"),
        ("$parse('{\"a\": [1]}')", {"a": [1]}),
        ("$random()", 0.5),
        ("$random(1) = $random(1)", True),
    ],
)
def test_expressions(expression: str, expected: Any) -> None:
    document = {"a": {"b": 1}, "list": [{"x": 1}, {"x": 2}], "one": [7]}

    assert evaluate(expression, document, variables={"total": 10}) == expected


def test_large_integers_and_decimals_survive_a_fetch() -> None:
    assert evaluate("$states.input.n", {"n": 2**70}) == 2**70
    assert repr(evaluate("$n", variables={"n": 1.0})) == "1.0"


def test_the_whole_input_is_handed_on() -> None:
    env = environment({"a": 1})

    assert output("{% $states.input %}", env) is env.input


def test_states_holds_what_there_is() -> None:
    assert evaluate("$states", {"a": 1}, context={"c": 1}) == {
        "input": {"a": 1},
        "context": {"c": 1},
    }


@pytest.mark.parametrize(
    "text", [" {% 1 %} ", "$states.input", "States.UUID()", "%}{%x", "$.a"]
)
def test_other_texts_are_constants(text: str) -> None:
    assert output({"x.$": text}, environment()).value == {"x.$": text}


@pytest.mark.parametrize("text", ["{% 1", "1 %}", "{% 1 + %}", "{% %}", "{% $x( %}"])
def test_broken_expressions_are_refused(text: str) -> None:
    with pytest.raises(DefinitionError):
        output(text, environment())


@pytest.mark.parametrize(
    "expression", ["$nothing", "$states.input.no", "$states.result", "$x"]
)
def test_undefined_results_are_refused(expression: str) -> None:
    failure = failure_of({"deep": {"total": f"{{% {expression} %}}"}}, environment())

    assert failure.error == "States.QueryEvaluationError"
    assert failure.location == "Output/deep/total"
    assert failure.cause == (
        f"The JSONata expression '{expression}' specified for the field "
        "'Output/deep/total' returned nothing (undefined)."
    )


@pytest.mark.parametrize(
    ("expression", "trouble"),
    [
        ("$randomSeeded(1)", "T1006: Attempted to invoke a non-function"),
        ("$eval('1')", "T1006: Attempted to invoke a non-function"),
        (
            "'a' + 1",
            'T2001: The left side of the "+" operator must evaluate to a number',
        ),
        ("$range(1, 2, 0)", "T0410: The step must not be zero"),
        (
            "$parse('{')",
            "T0410: Invalid JSON: unexpected end of data: line 1 column 2 (char 1)",
        ),
    ],
)
def test_errors_of_an_evaluation(expression: str, trouble: str) -> None:
    failure = failure_of(f"{{% {expression} %}}", environment())

    assert failure.location == "Output"
    assert failure.cause == (
        f"The JSONata expression '{expression}' specified for the field 'Output' threw an "
        f"error during evaluation. {trouble}"
    )


@pytest.mark.parametrize(
    ("expression", "limit"),
    [
        ("$count([1..873783])", "memory limit exceeded"),
        ("$range(1, 360146, 1)", "memory limit exceeded"),
        ("($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(32))", "Depth=101"),
        ("($f := function($n) { $f($n + 1) }; $f(1))", "evaluation timeout"),
    ],
)
def test_a_limit_is_told_without_a_code(expression: str, limit: str) -> None:
    failure = failure_of(f"{{% {expression} %}}", environment())

    assert "threw an error during evaluation: " in failure.cause
    assert limit in failure.cause


def test_out_of_steps_is_told_as_out_of_time() -> None:
    steps, time = JsonataError("U1006", "steps"), JsonataError("D1012", "time")

    assert "evaluation timeout" in steps.explanation
    assert steps.explanation == time.explanation


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$count([1..873782])", 873782),
        ("$count($range(1, 360145, 1))", 360145),
        ("($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(31))", 31),
    ],
)
def test_up_to_a_limit_an_expression_is_evaluated(
    expression: str, expected: int
) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    "expression", ["$sum", "/a+/", "function($x){ $x }", "$x := $uppercase"]
)
def test_a_function_is_no_result(expression: str) -> None:
    failure = failure_of(f"{{% {expression} %}}", environment())

    assert failure.cause.endswith("'Output' returned an unsupported result type.")


@pytest.mark.parametrize(
    "expression",
    [
        "($f := function(){ $f() }; $f())",
        "($f := function(){ 1 + $f() }; $f())",
        "[1..9999999].($ * $)",
        "$pad('', 100000000, 'x')",
        "$match($join([1..40].('a')) & '!', /^(a+)+$/)",
    ],
)
def test_no_expression_stalls(expression: str) -> None:
    with contextlib.suppress(StatesError):
        evaluate(expression)


def test_variable_references_leave_out_what_an_expression_binds_itself() -> None:
    machine = parse_machine(
        """{"StartAt": "Here", "QueryLanguage": "JSONata", "States": {"Here": {
            "Type": "Pass", "End": true,
            "Output": "{% ($local := $outer; $map($list, function($v){ $v + $local })) %}"
        }}}"""
    )

    assert machine.variable_references == {"Here": ["list", "outer"]}


def test_added_functions_are_no_variables() -> None:
    machine = parse_machine(
        """{"StartAt": "Here", "QueryLanguage": "JSONata", "States": {"Here": {
            "Type": "Pass", "End": true,
            "Output": "{% $uuid() & $hash($text, 'MD5') & $partition([1], 1)[0] %}"
        }}}"""
    )

    assert machine.variable_references == {"Here": ["text"]}
