"""Filters: `?(@.price < 10 && (@.tags contains 'new' || !@.sold))`, parsed by descent."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from asl.errors import PayloadError
from asl.jsonpath.definite import PathMiss
from asl.jsonpath.relations import MISSING, RELATIONS, compile_pattern
from asl.jsonpath.scanning import end_of_bracket, end_of_quote
from asl.jsonpath.visit import InnerWalk, Visit
from asl.jsontext import loads
from asl.payload import Json

MAX_NESTING: Final = 50

Predicate: TypeAlias = Callable[[Json, Visit], bool]
Operand: TypeAlias = Callable[[Json, Visit], Any]
CompileWalk: TypeAlias = Callable[[str], InnerWalk]

_SPACE: Final = re.compile(r"\s*")
_AND: Final = re.compile(r"\s*&&")
_OR: Final = re.compile(r"\s*\|\|")
_OPERATOR: Final = re.compile(r"\s*(==|!=|<=|>=|=~|<|>|[a-z]+\b)")
_LITERAL: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true\b|false\b|null\b")
_PATTERN: Final = re.compile(r"/((?:[^/\\]|\\.)*)/([a-z]*)")
_STEP: Final = re.compile(r"\.{1,2}(?:\*|[^\s.\[\]()*?@'\",:=<>!~&|]+)|\(\)")


def compile_filter(text: str, compile_walk: CompileWalk) -> Predicate:
    """Compile what stands between the parentheses of a filter; raise ValueError.

    `compile_walk` compiles the paths inside it.
    """
    parser = _Parser(text, compile_walk)
    predicate = parser.either(1)
    parser.require_end()
    return predicate


class _Parser:
    def __init__(self, text: str, compile_walk: CompileWalk) -> None:
        self.text = text
        self.position = 0
        self.compile_walk = compile_walk

    def require_end(self) -> None:
        if self.text[self.position :].strip():
            raise self._broken()

    def either(self, depth: int) -> Predicate:
        parts = [self._both(depth)]
        while self._take(_OR):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else _any(tuple(parts))

    def _both(self, depth: int) -> Predicate:
        parts = [self._one(depth)]
        while self._take(_AND):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else _all(tuple(parts))

    def _one(self, depth: int) -> Predicate:
        if depth > MAX_NESTING:
            raise ValueError("The filter is too deeply nested")
        self._take(_SPACE)
        if self._starts("!"):
            self.position += 1
            return _not(self._one(depth + 1))
        return self._group(depth) if self._starts("(") else self._comparison()

    def _group(self, depth: int) -> Predicate:
        self.position += 1
        inner = self.either(depth + 1)
        self._take(_SPACE)
        if not self._starts(")"):
            raise self._broken()
        self.position += 1
        return inner

    def _comparison(self) -> Predicate:
        left = self._operand()
        operator = self._take(_OPERATOR)
        if operator is None:
            return lambda node, visit: left(node, visit) is not MISSING
        if operator[1] == "=~":
            return _matching(left, self._pattern())
        if operator[1] not in RELATIONS:
            raise self._broken()
        return _relation(operator[1], left, self._operand())

    def _operand(self) -> Operand:
        self._take(_SPACE)
        character = self.text[self.position : self.position + 1]
        if character in ("@", "$"):
            return self._path()
        if character in ("'", '"'):
            return _constant(self._quoted())
        if character == "[":
            return _constant(self._array())
        match = self._take(_LITERAL)
        if match is None:
            raise self._broken()
        return _constant(_json(match[0]))

    def _quoted(self) -> str:
        end = end_of_quote(self.text, self.position)
        content = self.text[self.position + 1 : end]
        self.position = end + 1
        return re.sub(r"\\(.)", r"\1", content)

    def _array(self) -> Json:
        end = end_of_bracket(self.text, self.position)
        content = self.text[self.position : end + 1]
        self.position = end + 1
        return _json(content.replace("'", '"'))

    def _path(self) -> Operand:
        start = self.position
        self.position += 1
        while self.position < len(self.text):
            if self._starts("["):
                self.position = end_of_bracket(self.text, self.position) + 1
            elif self._take(_STEP) is None:
                break
        walk = self.compile_walk(self.text[start + 1 : self.position])
        return _at_document(walk) if self.text[start] == "$" else _at_node(walk)

    def _pattern(self) -> Any:
        self._take(_SPACE)
        match = self._take(_PATTERN)
        if match is None:
            raise self._broken()
        return compile_pattern(match[1].replace("\\/", "/"), match[2])

    def _starts(self, text: str) -> bool:
        return self.text.startswith(text, self.position)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
        return match

    def _broken(self) -> ValueError:
        return ValueError(f"Could not parse the filter: {self.text}")


def _constant(value: Json) -> Operand:
    return lambda _node, _visit: value


def _at_node(walk: InnerWalk) -> Operand:
    return lambda node, visit: _found(walk, node, visit)


def _at_document(walk: InnerWalk) -> Operand:
    return lambda _node, visit: _found(walk, visit.document, visit)


def _found(walk: InnerWalk, start: Json, visit: Visit) -> Any:
    try:
        return walk(start, visit)
    except PathMiss:
        return MISSING


def _relation(name: str, left: Operand, right: Operand) -> Predicate:
    relation = RELATIONS[name]
    return lambda node, visit: relation(left(node, visit), right(node, visit))


def _matching(left: Operand, pattern: Any) -> Predicate:
    def matches(node: Json, visit: Visit) -> bool:
        value = left(node, visit)
        return isinstance(value, str) and pattern.fullmatch(value) is not None

    return matches


def _not(part: Predicate) -> Predicate:
    return lambda node, visit: not part(node, visit)


def _all(parts: tuple[Predicate, ...]) -> Predicate:
    return lambda node, visit: all(part(node, visit) for part in parts)


def _any(parts: tuple[Predicate, ...]) -> Predicate:
    return lambda node, visit: any(part(node, visit) for part in parts)


def _json(text: str) -> Json:
    try:
        return loads(text)
    except PayloadError as error:
        raise ValueError(str(error)) from error
