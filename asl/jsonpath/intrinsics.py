"""Calls of intrinsic functions: `States.Format('{} {}', $.a, States.UUID())`, compiled.

The grammar is small: a call has arguments; an argument is a quoted text, a number, a literal,
a path or another call. In a text `\\'`, `\\{`, `\\}` and `\\\\` are the only escapes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from asl.calculations import FunctionError
from asl.errors import StatesError
from asl.jsonpath.formatting import unescape
from asl.jsonpath.functions import FUNCTIONS
from asl.jsonpath.path import (
    Path,
    PathMiss,
    PathSyntaxError,
    Reader,
    Root,
    compile_path,
)
from asl.jsontext import dumps
from asl.model import Environment
from asl.payload import Json, Payload

MAX_NESTING: Final = 10
MAX_LENGTH: Final = 10_000
_CALL: Final = re.compile(r"\s*(States\.[A-Za-z0-9]+)\s*\(")
_TEXT: Final = re.compile(r"\s*'((?:[^'\\]|\\['{}\\])*)'\s*")
_NUMBER: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(?=[,)])")
_LITERAL: Final = re.compile(r"\s*(true|false|null)\s*(?=[,)])")
_SEPARATOR: Final = re.compile(r"\s*([,)])")
_LITERALS: Final[dict[str, Json]] = {"true": True, "false": False, "null": None}


class IntrinsicSyntaxError(ValueError):
    """A text that is no call of an intrinsic function."""


class ArgumentMiss(Exception):  # noqa: N818 - an answer: the call's value has no argument
    """A path among the arguments of a call that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """One compiled call; `variables` are the names it mentions."""

    text: str
    read: Reader
    variables: frozenset[str]


def is_intrinsic(text: str) -> bool:
    """Tell whether a text means to be a call."""
    return _CALL.match(text) is not None


def compile_intrinsic(text: str) -> Intrinsic:
    """Compile a call; raise IntrinsicSyntaxError."""
    if len(text) > MAX_LENGTH:
        msg = f"The call is too long: {text[:80]}"
        raise IntrinsicSyntaxError(msg)
    parser = _Parser(text)
    read = parser.call(1)
    if text[parser.position :].strip():
        msg = f"Unexpected text after the call: {text}"
        raise IntrinsicSyntaxError(msg)
    return Intrinsic(text, read, frozenset(parser.variables))


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.variables: set[str] = set()

    def call(self, depth: int) -> Reader:
        start = self.position
        match = _CALL.match(self.text, start)
        if match is None or depth > MAX_NESTING:
            msg = f"Not an intrinsic function call: {self.text}"
            raise IntrinsicSyntaxError(msg)
        name = match[1]
        if name not in FUNCTIONS:
            msg = f"Unknown intrinsic function: {name}"
            raise IntrinsicSyntaxError(msg)
        self.position = match.end()
        arguments = self._arguments(name, depth)
        _check_count(name, len(arguments))
        return _compile_call(name, arguments, self.text[start : self.position].strip())

    def _arguments(self, name: str, depth: int) -> list[Reader]:
        arguments: list[Reader] = []
        empty = re.compile(r"\s*\)").match(self.text, self.position)
        if empty is not None:
            self.position = empty.end()
            return arguments
        while True:
            is_template = name == "States.Format" and not arguments
            arguments.append(self._argument(depth, is_template=is_template))
            match = _SEPARATOR.match(self.text, self.position)
            if match is None:
                msg = f"Expected ',' or ')' in: {self.text}"
                raise IntrinsicSyntaxError(msg)
            self.position = match.end()
            if match[1] == ")":
                return arguments

    def _argument(self, depth: int, *, is_template: bool) -> Reader:
        if match := self._take(_TEXT):
            return _constant(match[1] if is_template else unescape(match[1]))
        if match := self._take(_LITERAL):
            return _constant(_LITERALS[match[1]])
        if match := self._take(_NUMBER):
            return _constant(_number(match[1]))
        if is_intrinsic(self.text[self.position :]):
            return self.call(depth + 1)
        return self._path()

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
        return match

    def _path(self) -> Reader:
        end = _end_of_path(self.text, self.position)
        text = self.text[self.position : end].strip()
        try:
            path = compile_path(text)
        except PathSyntaxError as error:
            raise IntrinsicSyntaxError(str(error)) from error
        self.position = end
        if path.variable is not None:
            self.variables.add(path.variable)
        return _compile_argument_path(path)


def _number(text: str) -> float:
    """Read a number; one that no payload may hold is none."""
    try:
        value = int(text) if _is_integer(text) else float(text)
    except ValueError as error:
        raise IntrinsicSyntaxError(str(error)) from None
    if value in (math.inf, -math.inf):
        msg = f"The number {text[:40]} is out of range"
        raise IntrinsicSyntaxError(msg)
    return value


def _is_integer(text: str) -> bool:
    return text.lstrip("-").isdigit()


def _constant(value: Json) -> Reader:
    return lambda _environment, _payload: value


def _end_of_path(text: str, start: int) -> int:
    """Find the comma or parenthesis that ends a path: one outside brackets and quotes."""
    depth = 0
    quote = ""
    position = start
    while position < len(text):
        character = text[position]
        if quote:
            position += character == "\\"
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "[(":
            depth += 1
        elif depth and character in "])":
            depth -= 1
        elif character in ",)":
            return position
        position += 1
    return len(text)


def _compile_argument_path(path: Path) -> Reader:
    def read(environment: Environment, payload: Payload) -> Json:
        try:
            return path.read(environment, payload)
        except PathMiss:
            seen = searched_text(path, environment, payload)
            msg = (
                f"The JsonPath argument for the field '{path.text}' could not be found "
                f"in the input '{seen}'"
            )
            raise ArgumentMiss(msg) from None

    return read


def searched_text(path: Path, environment: Environment, payload: Payload) -> str:
    """Return the JSON text in which a path was looked for, for messages: without blanks."""
    if path.root is Root.CONTEXT:
        return dumps(environment.context())
    return dumps(payload.value)


def _check_count(name: str, given: int) -> None:
    least, most = FUNCTIONS[name].arity
    if not least <= given <= most:
        msg = f"Invalid number of arguments for {name}: {given}"
        raise IntrinsicSyntaxError(msg)


def _compile_call(name: str, arguments: list[Reader], text: str) -> Reader:
    apply: Callable[[Environment, list[Json]], Json] = FUNCTIONS[name].apply

    def read(environment: Environment, payload: Payload) -> Json:
        try:
            values = [argument(environment, payload) for argument in arguments]
            return apply(environment, values)
        except ArgumentMiss as error:
            raise _failed("States.Runtime", text, error) from None
        except (FunctionError, RecursionError) as error:
            raise _failed("States.IntrinsicFailure", text, error) from None

    return read


def _failed(name: str, text: str, error: Exception) -> StatesError:
    cause = f"The function '{text}' had the following error: {error}"
    return StatesError(name, cause)
