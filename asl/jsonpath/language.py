"""JSONPath as a query language: the compiler of one state's expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asl.errors import StatesError
from asl.fields import MAX_SECONDS, Fields
from asl.jsonpath.choice import compile_rule
from asl.jsonpath.failures import compile_failure
from asl.jsonpath.flow import (
    DataFlow,
    assign_stage,
    combine_stage,
    compile_flow,
    field_path,
    template_stage,
)
from asl.jsonpath.numbers import float_path, integer_path, seconds_path, value_of
from asl.jsonpath.path import compile_rooted_path
from asl.jsonpath.template import compile_template
from asl.jsonpath.waits import compile_due
from asl.jsontext import dumps
from asl.language import (
    Condition,
    Credentials,
    Due,
    Failure,
    ItemInput,
    Items,
    Scope,
)
from asl.maps import checked_concurrency, checked_tolerance
from asl.model import Environment, Expression, Leave, Outcome, Seconds, Tolerance
from asl.payload import Json, Payload

_PATHS: Final = frozenset({"InputPath", "OutputPath"})
_RESULT: Final = frozenset({"Parameters", "ResultSelector", "ResultPath"})
JSONPATH_FIELDS: Final[dict[str, frozenset[str]]] = {
    "Task": _PATHS | _RESULT | {"Assign", "TimeoutSecondsPath", "HeartbeatSecondsPath"},
    "Parallel": _PATHS | _RESULT | {"Assign"},
    "Map": _PATHS
    | _RESULT
    | {
        "Assign",
        "ItemsPath",
        "ItemSelector",
        "MaxConcurrencyPath",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentagePath",
    },
    "Pass": _PATHS | {"Assign", "Parameters", "Result", "ResultPath"},
    "Wait": _PATHS | {"Assign", "SecondsPath", "TimestampPath"},
    "Choice": _PATHS | {"Assign"},
    "Succeed": _PATHS,
    "Fail": frozenset({"ErrorPath", "CausePath"}),
}


class JsonPath:
    """Compiles one state in JSONPath mode."""

    name = "JSONPath"

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._fields = scope.fields
        self._flow: DataFlow = compile_flow(scope)

    def arguments(self) -> Expression:
        """Compile InputPath and Parameters."""
        flow = self._flow
        if flow.input_path is None and flow.parameters is None:
            return _input
        return flow.arguments

    def credentials(self) -> Credentials | None:
        """Compile Credentials: a template with a RoleArn."""
        credentials = self._fields.object("Credentials")
        if credentials is None:
            return None
        if not {"RoleArn", "RoleArn.$"} & credentials.values.keys():
            message = "The field 'RoleArn' is required but was missing"
            self._fields.refuse("Credentials", message)
        template = compile_template(
            credentials.values, credentials.location, self._scope
        )
        read, value, effective = template.read, template.value, self._flow.effective
        if read is None:
            return lambda _environment: value
        return lambda environment: read(environment, effective(environment))

    def payload(self, fields: Fields, name: str) -> Expression | None:
        """Compile a template in a field of an inner object; None when absent."""
        stage, effective = (
            template_stage(fields, name, self._scope),
            self._flow.effective,
        )
        if stage is None:
            return None
        return lambda environment: stage(environment, effective(environment))

    def amount(self, fields: Fields, name: str, most: int) -> Seconds | None:
        """Compile a bound in a field of an inner object; None when absent."""
        fields.exclusive(name, f"{name}Path")
        fixed = fields.integer(name, 0, most)
        if fixed is not None:
            return lambda _environment: fixed
        return integer_path(fields, f"{name}Path", self._scope, self._flow.effective)

    def seconds(self, name: str) -> Seconds | None:
        """Compile a number of seconds, fixed or from a path."""
        self._fields.exclusive(name, f"{name}Path")
        fixed = self._fields.integer(name, 1, MAX_SECONDS)
        if fixed is not None:
            return lambda _environment: fixed
        effective = self._flow.effective
        return seconds_path(self._fields, f"{name}Path", self._scope, effective)

    def leave(self) -> Leave:
        """Compile ResultSelector, ResultPath, OutputPath and Assign."""
        flow = self._flow
        assign = flow.assign
        if flow.keeps_result:
            return _leave_result

        def leave(environment: Environment) -> Outcome:
            result = environment.result
            assert result is not None
            assigned = None if assign is None else assign(environment, result)
            selected = flow.selected(environment, result)
            return Outcome(flow.output(environment, selected), assigned)

        return leave

    def leave_pass(self) -> Leave:
        """Compile Result, or InputPath and Parameters, then as with a result."""
        flow = self._flow
        make = self._fixed_result() or self.arguments()
        if make is _input and flow == _NO_STAGES:
            return _leave_input

        def leave(environment: Environment) -> Outcome:
            result = make(environment)
            assigned = None if flow.assign is None else flow.assign(environment, result)
            return Outcome(flow.output(environment, result), assigned)

        return leave

    def _fixed_result(self) -> Expression | None:
        if "Result" not in self._fields:
            return None
        value = self._fields.raw("Result")
        text = dumps(value)
        return lambda _environment: Payload(text, value)

    def leave_plain(self) -> Leave:
        """Compile InputPath, OutputPath and Assign."""
        return self._leave_effective(self._flow.assign)

    def leave_choice(self, rule: Fields | None) -> Leave:
        """Compile InputPath, OutputPath and the Assign of the rule or, by default, the state."""
        if rule is None:
            return self._leave_effective(self._flow.assign)
        return self._leave_effective(assign_stage(rule, self._scope))

    def _leave_effective(
        self, assign: Callable[[Environment, Payload], dict[str, Json]] | None
    ) -> Leave:
        flow = self._flow
        output_path = flow.output_path
        if flow.input_path is None and output_path is None and assign is None:
            return _leave_input

        def leave(environment: Environment) -> Outcome:
            payload = flow.effective(environment)
            assigned = None if assign is None else assign(environment, payload)
            output = (
                payload if output_path is None else output_path(environment, payload)
            )
            return Outcome(output, assigned)

        return leave

    def leave_caught(self, catcher: Fields) -> Leave:
        """Compile the ResultPath and Assign of a catcher."""
        combine = combine_stage(catcher)
        assign = assign_stage(catcher, self._scope)

        def leave(environment: Environment) -> Outcome:
            error = environment.error_output
            assert error is not None
            assigned = None if assign is None else assign(environment, error)
            output = error if combine is None else combine(environment.input, error)
            return Outcome(output, assigned)

        return leave

    def condition(self, rule: Fields) -> Condition:
        """Compile a rule's comparisons."""
        test = compile_rule(rule, self._scope)
        if self._flow.input_path is None:
            return lambda environment: test(environment, environment.input)
        effective = self._flow.effective
        return lambda environment: test(environment, effective(environment))

    def due(self) -> Due:
        """Compile Seconds, SecondsPath, Timestamp or TimestampPath."""
        return compile_due(self._scope, self._flow)

    def failure(self) -> Failure:
        """Compile Error or ErrorPath, and Cause or CausePath."""
        return compile_failure(self._scope)

    def items(self) -> Items:
        """Compile InputPath and ItemsPath."""
        effective = self._flow.effective
        path = field_path(self._fields, "ItemsPath", self._scope, compile_rooted_path)
        text = "$" if path is None else path.within_root

        def items(environment: Environment) -> list[Json]:
            if path is None:
                value = effective(environment).value
            else:
                value = value_of(path, environment, effective)
            if not isinstance(value, list):
                cause = f'Reference path "{text}" must point to array.'
                raise StatesError("States.Runtime", cause)
            if environment.trace is not None:
                environment.trace("afterItemsPath", Payload.of_value(value))
            return value

        return items

    def item_input(self) -> ItemInput:
        """Compile ItemSelector, or Parameters, its older name."""
        self._fields.exclusive("ItemSelector", "Parameters")
        effective = self._flow.effective
        selector = template_stage(self._fields, "ItemSelector", self._scope)
        stage = selector or self._flow.parameters
        if stage is None:
            return lambda _environment, _index, item: Payload.of_value(item)

        def item_input(environment: Environment, _index: int, _item: Json) -> Payload:
            made = stage(environment, effective(environment))
            if environment.trace is not None:
                environment.trace("afterItemSelector", made)
            return made

        return item_input

    def max_concurrency(self) -> Seconds:
        """Compile MaxConcurrency or MaxConcurrencyPath."""
        self._fields.exclusive("MaxConcurrency", "MaxConcurrencyPath")
        fixed = self._fields.integer("MaxConcurrency", 0) or 0
        read = integer_path(
            self._fields, "MaxConcurrencyPath", self._scope, self._flow.effective
        )
        if read is None:
            return lambda _environment: fixed
        return lambda environment: checked_concurrency(read(environment))

    def tolerance(self) -> Callable[[Environment], Tolerance]:
        """Compile the tolerated failures, fixed or from paths."""
        fields, effective = self._fields, self._flow.effective
        for name in ("ToleratedFailureCount", "ToleratedFailurePercentage"):
            fields.exclusive(name, f"{name}Path")
        count = fields.integer("ToleratedFailureCount", 0) or 0
        percentage = fields.number("ToleratedFailurePercentage", 0.0, 100.0) or 0.0
        read_count = integer_path(
            fields, "ToleratedFailureCountPath", self._scope, effective
        )
        read_percentage = float_path(
            fields, "ToleratedFailurePercentagePath", self._scope, effective
        )

        def tolerance(environment: Environment) -> Tolerance:
            return checked_tolerance(
                count if read_count is None else read_count(environment),
                percentage if read_percentage is None else read_percentage(environment),
            )

        return tolerance


_NO_STAGES: Final = DataFlow(None, None, None, None, None, None)


def _input(environment: Environment) -> Payload:
    return environment.input


def _leave_result(environment: Environment) -> Outcome:
    assert environment.result is not None
    return Outcome(environment.result)


def _leave_input(environment: Environment) -> Outcome:
    return Outcome(environment.input)
