"""JSONPath as a query language: the compiler of one state's expressions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from asl.errors import StatesError
from asl.fields import MAX_SECONDS, Fields
from asl.jsonpath.choice import compile_rule
from asl.jsonpath.flow import (
    DataFlow,
    assign_stage,
    combine_stage,
    compile_flow,
    field_path,
    template_stage,
)
from asl.jsonpath.intrinsics import (
    IntrinsicSyntaxError,
    compile_intrinsic,
    is_intrinsic,
)
from asl.jsonpath.numbers import float_path, integer_path, value_of
from asl.jsonpath.path import Path, PathMiss, compile_reference_path
from asl.jsonpath.template import compile_template
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
from asl.timestamps import parse_timestamp
from asl.waits import after_seconds, end_of_wait

_PATHS: Final = frozenset({"InputPath", "OutputPath"})
_RESULT: Final = frozenset({"Parameters", "ResultSelector", "ResultPath"})
_FIELDS: Final[dict[str, frozenset[str]]] = {
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

    def fields(self, kind: str) -> frozenset[str]:
        """Return the fields that this language adds to a state of a type."""
        return _FIELDS[kind]

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

    def seconds(self, name: str) -> Seconds | None:
        """Compile a number of seconds, fixed or from a path."""
        self._fields.exclusive(name, f"{name}Path")
        fixed = self._fields.integer(name, 1, MAX_SECONDS)
        if fixed is not None:
            return lambda _environment: fixed
        read = integer_path(
            self._fields, f"{name}Path", self._scope, self._flow.effective
        )
        return read if read is None else _positive(f"{name}Path", read)

    def leave(self) -> Leave:
        """Compile ResultSelector, ResultPath, OutputPath and Assign."""
        flow = self._flow
        selector, assign = flow.result_selector, flow.assign

        def leave(environment: Environment) -> Outcome:
            result = environment.result
            assert result is not None
            assigned = None if assign is None else assign(environment, result)
            selected = result if selector is None else selector(environment, result)
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
        fields = self._fields
        names = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
        given = [name for name in names if name in fields]
        if len(given) != 1:
            listed = ", ".join(names)
            message = f"Exactly one of these fields is required: [{listed}]"
            fields.report.error(message, fields.location)
            return _at_once
        if given[0] == "Seconds":
            return _after(fields.integer("Seconds", 0, MAX_SECONDS) or 0)
        if given[0] == "Timestamp":
            return self._fixed_moment()
        path = field_path(fields, given[0], self._scope, compile_reference_path)
        if path is None:
            return _at_once
        kind = _wait_seconds if given[0] == "SecondsPath" else _wait_timestamp
        return kind(path, self._flow)

    def _fixed_moment(self) -> Due:
        text = self._fields.text("Timestamp")
        moment = None if text is None else parse_timestamp(text)
        if moment is None:
            if text is not None:
                self._fields.refuse(
                    "Timestamp", "String does not match RFC3339 timestamp"
                )
            return _at_once
        fixed = moment
        return lambda _environment, entered: end_of_wait(entered, fixed)

    def failure(self) -> Failure:
        """Compile Error or ErrorPath, and Cause or CausePath."""
        error, cause = self._failure_part("Error"), self._failure_part("Cause")
        return lambda environment: (error(environment), cause(environment))

    def _failure_part(self, name: str) -> Callable[[Environment], str | None]:
        self._fields.exclusive(name, f"{name}Path")
        fixed = self._fields.text(name)
        if f"{name}Path" not in self._fields:
            return lambda _environment: fixed
        return self._failure_path(f"{name}Path")

    def _failure_path(self, name: str) -> Callable[[Environment], str | None]:
        read = self._failure_read(name)

        def part(environment: Environment) -> str | None:
            value = read(environment)
            if isinstance(value, str):
                return value
            cause = f"The {name} parameter does not reference a string value: {dumps(value)}"
            raise StatesError("States.Runtime", cause)

        return part

    def _failure_read(self, name: str) -> Callable[[Environment], Json]:
        text = self._fields.text(name)
        if text is not None and is_intrinsic(text):
            try:
                intrinsic = compile_intrinsic(text)
            except IntrinsicSyntaxError as error:
                self._fields.refuse(name, str(error))
                return lambda _environment: None
            self._scope.references.update(intrinsic.variables)
            return lambda environment: intrinsic.read(environment, environment.input)
        path = field_path(self._fields, name, self._scope)
        if path is None:
            return lambda _environment: None
        return lambda environment: value_of(path, environment, _input)

    def items(self) -> Items:
        """Compile InputPath and ItemsPath."""
        effective = self._flow.effective
        path = field_path(
            self._fields, "ItemsPath", self._scope, compile_reference_path
        )
        text = "$" if path is None else path.text

        def items(environment: Environment) -> list[Json]:
            if path is None:
                value = effective(environment).value
            else:
                value = value_of(path, environment, effective)
            if isinstance(value, list):
                return value
            cause = f'Reference path "{text}" must point to array.'
            raise StatesError("States.Runtime", cause)

        return items

    def item_input(self) -> ItemInput:
        """Compile ItemSelector, or Parameters, its older name."""
        self._fields.exclusive("ItemSelector", "Parameters")
        effective = self._flow.effective
        selector = template_stage(self._fields, "ItemSelector", self._scope)
        stage = selector or self._flow.parameters
        if stage is None:
            return lambda _environment, _index, item: Payload.of_value(item)
        return lambda environment, _index, _item: stage(
            environment, effective(environment)
        )

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
        percentage = fields.number("ToleratedFailurePercentage", 0, 100) or 0.0
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


def _leave_input(environment: Environment) -> Outcome:
    return Outcome(environment.input)


def _at_once(_environment: Environment, entered: datetime) -> datetime:
    return entered


def _after(seconds: int) -> Due:
    return lambda _environment, entered: after_seconds(entered, seconds)


def _positive(name: str, read: Callable[[Environment], int]) -> Seconds:
    def seconds(environment: Environment) -> int:
        value = read(environment)
        if value <= 0:
            cause = f"The {name} parameter references a non-positive value: {value}"
            raise StatesError("States.Runtime", cause)
        return value

    return seconds


def _wait_seconds(path: Path, flow: DataFlow) -> Due:
    def due(environment: Environment, entered: datetime) -> datetime:
        value = _waited_for("SecondsPath", path, flow, environment)
        if isinstance(value, bool) or not isinstance(value, int):
            cause = f"The SecondsPath parameter cannot be parsed as a long value: {path.text} == "
            raise StatesError("States.Runtime", cause + _shown(value))
        if value < 0:
            cause = f"The SecondsPath parameter references a negative value: {path.text} == "
            raise StatesError("States.Runtime", cause + str(value))
        return after_seconds(entered, value)

    return due


def _wait_timestamp(path: Path, flow: DataFlow) -> Due:
    def due(environment: Environment, entered: datetime) -> datetime:
        value = _waited_for("TimestampPath", path, flow, environment)
        moment = parse_timestamp(value) if isinstance(value, str) else None
        if moment is None:
            cause = (
                "The TimestampPath parameter does not reference a valid ISO-8601 extended "
                f"offset date-time format string: {path.text} == {_shown(value)}"
            )
            raise StatesError("States.Runtime", cause)
        return end_of_wait(entered, moment)

    return due


def _waited_for(
    name: str, path: Path, flow: DataFlow, environment: Environment
) -> Json:
    try:
        return path.read(environment, flow.effective(environment))
    except PathMiss:
        cause = f"The {name} parameter does not reference an input value: {path.text}"
        raise StatesError("States.Runtime", cause) from None


def _shown(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value)
