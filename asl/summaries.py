"""What a state or a choice rule says, in a few words for a drawing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from asl.jsontext import dumps
from asl.model import ResourceKind
from asl.payload import Json
from asl.resources import parse_resource
from asl.walk import MAX_NESTING

_ARN_HEAD: Final = re.compile(r"arn:[^:]*:(?:[^:]*:){3}")


def state_detail(fields: dict[str, Json]) -> str:
    """Say what a state does, beyond its name and type; often nothing."""
    kind = fields.get("Type")
    describe = _DETAILS.get(kind) if isinstance(kind, str) else None
    return "" if describe is None else describe(fields)


def _task(fields: dict[str, Json]) -> str:
    arn = fields.get("Resource")
    if not isinstance(arn, str):
        return ""
    resource = parse_resource(arn)
    if resource is None:
        return arn
    if resource.kind is ResourceKind.LAMBDA_FUNCTION:
        return resource.function or ""
    if resource.kind is ResourceKind.ACTIVITY:
        return f"activity {arn.rpartition(':')[2]}"
    called = f"{resource.resource_type}:{resource.resource}"
    function = _called_function(fields) if called.startswith("lambda:invoke") else ""
    return f"{called} {function}".rstrip()


def _called_function(fields: dict[str, Json]) -> str:
    for field in ("Parameters", "Arguments"):
        arguments = fields.get(field)
        name = arguments.get("FunctionName") if isinstance(arguments, dict) else None
        if isinstance(name, str):
            return _ARN_HEAD.sub("", bare(name)).removeprefix("function:")
    return ""


def _wait(fields: dict[str, Json]) -> str:
    for name in ("Seconds", "SecondsPath"):
        if name in fields:
            return f"{bare(fields[name])} s"
    for name in ("Timestamp", "TimestampPath"):
        if name in fields:
            return f"until {bare(fields[name])}"
    return ""


def _first_of(*names: str) -> Callable[[dict[str, Json]], str]:
    def describe(fields: dict[str, Json]) -> str:
        return next((bare(fields[name]) for name in names if name in fields), "")

    return describe


_DETAILS: Final[dict[str, Callable[[dict[str, Json]], str]]] = {
    "Task": _task,
    "Wait": _wait,
    "Fail": _first_of("Error", "ErrorPath", "Cause", "CausePath"),
    "Map": _first_of("ItemsPath", "Items"),
}


def bare(value: Json) -> str:
    """Write a value of a definition: an expression without its ends, a text as it is."""
    if not isinstance(value, str):
        return dumps(value)
    return value.removeprefix("{%").removesuffix("%}").strip()


def error_names(entry: dict[str, Json]) -> str:
    """List the errors of a retrier or catcher."""
    errors = entry.get("ErrorEquals")
    return ", ".join(map(str, errors)) if isinstance(errors, list) else ""


def objects(value: Json) -> Iterator[dict[str, Json]]:
    """Yield the objects of a list."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict):
            yield item


_SYMBOLS: Final = (
    ("LessThanEquals", "<="),
    ("GreaterThanEquals", ">="),
    ("LessThan", "<"),
    ("GreaterThan", ">"),
    ("Equals", "=="),
    ("Matches", "matches"),
)
_JOINTS: Final = {"And": " and ", "Or": " or "}


def rule_label(rule: dict[str, Json], depth: int = 0) -> str:
    """Write a choice rule as a person would: `$.total >= 20 and not ($.vip == true)`."""
    comment = rule.get("Comment")
    if isinstance(comment, str) and comment:
        return comment
    condition = rule.get("Condition")
    if condition is not None:
        return bare(condition)
    if depth > MAX_NESTING:
        return "..."
    for name, joint in _JOINTS.items():
        if name in rule:
            return joint.join(rule_label(r, depth + 1) for r in objects(rule[name]))
    negated = rule.get("Not")
    if isinstance(negated, dict):
        return f"not ({rule_label(negated, depth + 1)})"
    return _comparison_label(rule)


def _comparison_label(rule: dict[str, Json]) -> str:
    variable = rule.get("Variable", "")
    for name, operand in rule.items():
        if name.startswith("Is"):
            verb = "is" if operand is True else "is not"
            return f"{variable} {verb} {name.removeprefix('Is').lower()}"
        for ending, symbol in _SYMBOLS:
            if name.removesuffix("Path").endswith(ending):
                shown = str(operand) if name.endswith("Path") else dumps(operand)
                return f"{variable} {symbol} {shown}"
    return str(variable)
