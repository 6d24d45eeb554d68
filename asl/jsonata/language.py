"""JSONata as a query language: the compiler of one state's expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from asl.assignments import check_names
from asl.errors import StatesError
from asl.fields import MAX_SECONDS, Fields
from asl.jsonata.expression import (
    Evaluate,
    compile_expression,
    field_name,
    is_expression,
    require_kind,
)
from asl.jsonata.template import compile_payload, compile_template
from asl.jsonata.waits import seconds_due, timestamp_due, whole
from asl.language import Condition, Credentials, Due, Failure, ItemInput, Items, Scope
from asl.maps import checked_concurrency, checked_tolerance
from asl.model import Environment, Expression, Leave, Outcome, Seconds, Tolerance
from asl.payload import Json, Payload
from asl.waits import at_once, fixed_moment, fixed_seconds, only_field

_OUTPUT: Final = frozenset({"Output", "Assign"})
_WORK: Final = _OUTPUT | {"Arguments"}
JSONATA_FIELDS: Final[dict[str, frozenset[str]]] = {
    "Task": _WORK,
    "Parallel": _WORK,
    "Map": _OUTPUT | {"Items", "ItemSelector"},
    "Pass": _OUTPUT,
    "Wait": _OUTPUT,
    "Choice": _OUTPUT,
    "Succeed": frozenset({"Output"}),
    "Fail": frozenset(),
}
_RULE_FIELDS: Final = frozenset({"Condition", "Next", "Output", "Assign", "Comment"})


class Jsonata:
    """Compiles one state in JSONata mode."""

    name = "JSONata"

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._fields = scope.fields

    def arguments(self) -> Expression:
        """Compile Arguments; without any the input is passed on."""
        made = self.payload(self._fields, "Arguments")
        if made is None:
            return _input

        def arguments(environment: Environment) -> Payload:
            payload = made(environment)
            if environment.trace is not None:
                environment.trace("afterArguments", payload)
            return payload

        return arguments

    def credentials(self) -> Credentials | None:
        """Compile Credentials: a template with a RoleArn."""
        credentials = self._fields.object("Credentials")
        if credentials is None:
            return None
        if "RoleArn" not in credentials:
            message = "The field 'RoleArn' is required but was missing"
            self._fields.refuse("Credentials", message)
        template = compile_template(
            credentials.values, credentials.location, self._scope
        )
        value = template.value
        return template.evaluate or (lambda _environment: value)

    def seconds(self, name: str) -> Seconds | None:
        """Compile a number of seconds, fixed or by expression."""
        return self._integer(self._fields, name, 1, MAX_SECONDS)

    def amount(self, fields: Fields, name: str, most: int) -> Seconds | None:
        """Compile a bound, fixed or by expression; None when absent, 0 for none."""
        if f"{name}Path" in fields:
            fields.refuse_language(f"{name}Path", self.name, "JSONPath")
        return self._integer(fields, name, 0, most)

    def _integer(
        self, fields: Fields, name: str, least: int, most: int
    ) -> Seconds | None:
        number = self._number(fields, name)
        if number is None:
            fixed = fields.integer(name, least, most)
            return None if fixed is None else lambda _environment: fixed
        return whole(number, field_name(fields.at(name), self._scope), least)

    def leave(self) -> Leave:
        """Compile Output and Assign of a state with a result."""
        return self._leave(self._fields, _result)

    def leave_pass(self) -> Leave:
        """Compile Output and Assign of a Pass."""
        return self._leave(self._fields, _input)

    def leave_plain(self) -> Leave:
        """Compile Output and Assign of a state without a result."""
        return self._leave(self._fields, _input)

    def leave_choice(self, rule: Fields | None) -> Leave:
        """Compile Output and Assign of a rule or, by default, of the state."""
        return self._leave(self._fields if rule is None else rule, _input)

    def leave_caught(self, catcher: Fields) -> Leave:
        """Compile Output and Assign of a catcher."""
        return self._leave(catcher, _error_output)

    def _leave(self, fields: Fields, default: Expression) -> Leave:
        output = self.payload(fields, "Output") or default
        assign = self._assign(fields)
        if assign is None:
            return lambda environment: Outcome(output(environment))
        return lambda environment: Outcome(output(environment), assign(environment))

    def _assign(
        self, fields: Fields
    ) -> Callable[[Environment], dict[str, Json]] | None:
        assign = fields.object("Assign")
        if assign is None:
            return None
        check_names(assign)
        template = compile_template(assign.values, assign.location, self._scope)
        evaluate, constant = template.evaluate, assign.values
        if evaluate is None:
            return lambda _environment: dict(constant)

        def apply(environment: Environment) -> dict[str, Json]:
            assigned = evaluate(environment)
            assert isinstance(assigned, dict)
            return assigned

        return apply

    def payload(self, fields: Fields, name: str) -> Expression | None:
        """Compile a template in a field; None when absent."""
        if name not in fields:
            return None
        return compile_payload(fields.raw(name), fields.at(name), self._scope)

    def condition(self, rule: Fields) -> Condition:
        """Compile Condition: true, false, or an expression."""
        rule.allow(_RULE_FIELDS)
        rule.require("Condition")
        value = rule.raw("Condition")
        if not isinstance(value, str):
            fixed = rule.flag("Condition") is True
            return lambda _environment: fixed
        evaluate = self._expression(rule, "Condition", "boolean")
        if evaluate is None:
            rule.refuse("Condition", "Expected value of type Boolean")
            return lambda _environment: False
        return lambda environment: evaluate(environment) is True

    def due(self) -> Due:
        """Compile Seconds or Timestamp."""
        name = only_field(self._fields, ("Seconds", "Timestamp"))
        if name is None:
            return at_once
        if name == "Seconds":
            number = self._number(self._fields, name)
            if number is None:
                return fixed_seconds(self._fields)
            return seconds_due(whole(number, name, 0))
        evaluate = self._expression(self._fields, name, "string")
        return (
            fixed_moment(self._fields) if evaluate is None else timestamp_due(evaluate)
        )

    def failure(self) -> Failure:
        """Compile Error and Cause."""
        error, cause = self._text("Error"), self._text("Cause")
        return lambda environment: (error(environment), cause(environment))

    def _text(self, name: str) -> Callable[[Environment], str | None]:
        evaluate = self._expression(self._fields, name, "string")
        if evaluate is None:
            fixed = self._fields.text(name)
            return lambda _environment: fixed

        def text(environment: Environment) -> str | None:
            value = evaluate(environment)
            assert isinstance(value, str)
            return value

        return text

    def items(self) -> Items:
        """Compile Items: a list, or an expression that yields one; by default the input."""
        if "Items" not in self._fields:
            return _input_items
        value, location = self._fields.raw("Items"), self._fields.at("Items")
        evaluate = self._expression(self._fields, "Items", "array")
        if evaluate is None:
            template = compile_template(
                self._fields.array("Items"), location, self._scope
            )
            evaluate = template.evaluate or (lambda _environment: value)
        listed = evaluate

        def items(environment: Environment) -> list[Json]:
            found = listed(environment)
            assert isinstance(found, list)
            return found

        return items

    def item_input(self) -> ItemInput:
        """Compile ItemSelector."""
        selector = self.payload(self._fields, "ItemSelector")
        if selector is None:
            return lambda _environment, _index, item: Payload.of_value(item)
        return lambda environment, _index, _item: selector(environment)

    def max_concurrency(self) -> Seconds:
        """Compile MaxConcurrency."""
        number = self._number(self._fields, "MaxConcurrency")
        if number is None:
            fixed = self._fields.integer("MaxConcurrency", 0) or 0
            return lambda _environment: fixed
        return lambda environment: checked_concurrency(int(number(environment)))

    def tolerance(self) -> Callable[[Environment], Tolerance]:
        """Compile the tolerated failures."""
        fields = self._fields
        read_count = self._number(self._fields, "ToleratedFailureCount")
        read_percentage = self._number(self._fields, "ToleratedFailurePercentage")
        count, percentage = 0, 0.0
        if read_count is None:
            count = fields.integer("ToleratedFailureCount", 0) or 0
        if read_percentage is None:
            percentage = fields.number("ToleratedFailurePercentage", 0.0, 100.0) or 0.0

        def tolerance(environment: Environment) -> Tolerance:
            return checked_tolerance(
                count if read_count is None else int(read_count(environment)),
                percentage if read_percentage is None else read_percentage(environment),
            )

        return tolerance

    def _expression(self, fields: Fields, name: str, kind: str) -> Evaluate | None:
        """Compile a field that must yield a type; None when it is no expression."""
        value = fields.raw(name)
        if not isinstance(value, str) or not is_expression(value):
            return None
        location = fields.at(name)
        evaluate = compile_expression(value, location, self._scope)
        return require_kind(kind, value, field_name(location, self._scope), evaluate)

    def _number(
        self, fields: Fields, name: str
    ) -> Callable[[Environment], float] | None:
        evaluate = self._expression(fields, name, "number")
        if evaluate is None:
            return None

        def number(environment: Environment) -> float:
            value = evaluate(environment)
            assert isinstance(value, int | float)
            return value

        return number


def _input(environment: Environment) -> Payload:
    return environment.input


def _result(environment: Environment) -> Payload:
    assert environment.result is not None
    return environment.result


def _error_output(environment: Environment) -> Payload:
    assert environment.error_output is not None
    return environment.error_output


def _input_items(environment: Environment) -> list[Json]:
    value = environment.input.value
    if isinstance(value, list):
        return value
    raise StatesError("States.Runtime", 'Reference path "$" must point to array.')
