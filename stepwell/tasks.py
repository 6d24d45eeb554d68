"""The `@task` decorator: says under which name a function serves workflows.

The decorator only leaves a mark and hands the function back unchanged, so that it can
still be called in a test like any other. A worker finds the marks in the modules it
loads.
"""

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FunctionType
from typing import TypeAlias, TypeVar, overload

Function: TypeAlias = Callable[..., object]
F = TypeVar("F", bound=Function)

_MARK = "__stepwell_task__"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFunction:
    """A function that a worker serves, and how to call it."""

    name: str
    call: Function
    is_async: bool
    takes_context: bool


@overload
def task(name: F, /) -> F: ...
@overload
def task(name: str | None = None) -> Callable[[F], F]: ...
def task(name: F | str | None = None) -> F | Callable[[F], F]:
    """Serve a function to workflows, under `name` or else under its own name."""
    if name is not None and not isinstance(name, str):
        return _mark(name, None)
    return lambda function: _mark(function, name)


def task_function(function: Function) -> TaskFunction:
    """Describe a function marked with `@task`, or one that is not under its name."""
    mark = getattr(function, _MARK, None) or getattr(function, "__name__", "")
    return TaskFunction(
        name=_checked_name(str(mark)),
        call=function,
        is_async=_is_async(function),
        takes_context=_takes_context(function),
    )


def task_functions(functions: Iterable[Function]) -> dict[str, TaskFunction]:
    """Describe functions by name; two of one name are refused."""
    by_name: dict[str, TaskFunction] = {}
    for described in map(task_function, functions):
        other = by_name.setdefault(described.name, described)
        if other.call is not described.call:
            msg = (
                f"two functions serve {described.name!r}: "
                f"{_place(other.call)} and {_place(described.call)}"
            )
            raise ValueError(msg)
    return by_name


def is_marked(value: object) -> bool:
    """Whether this is a function that bears the mark of `@task`."""
    return isinstance(value, FunctionType) and _MARK in value.__dict__


def _mark(function: F, name: str | None) -> F:
    _takes_context(function)  # a wrong signature is refused where it is written
    setattr(function, _MARK, _checked_name(name or function.__name__))
    return function


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        msg = (
            f"{name[:80]!r} cannot name a function: use 1 to 64 letters, digits, - or _"
        )
        raise ValueError(msg)
    return name


def _is_async(function: Function) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        inspect.unwrap(function)
    )


def _takes_context(function: Function) -> bool:
    """Whether to call with (event, context) and not with (event) alone."""
    parameters = list(inspect.signature(function).parameters.values())
    if any(item.kind is item.VAR_POSITIONAL for item in parameters):
        return True
    positional = [item for item in parameters if item.kind in _POSITIONAL]
    required = [item for item in positional if item.default is item.empty]
    if not positional or len(required) > 2:
        msg = f"{_place(function)} must take (event) or (event, context)"
        raise TypeError(msg)
    return len(required) == 2 or [item.name for item in positional][1:2] == ["context"]


def _place(function: Function) -> str:
    module = getattr(function, "__module__", "?")
    return f"{module}.{getattr(function, '__qualname__', repr(function))}"
