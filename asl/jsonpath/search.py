"""Paths that yield lists: wildcards, slices, unions, `..` and filters.

The rules are those of the Java library that the public service uses. A search visits a bounded
number of nodes: `$..*..*` over a large document is an error, not a stalled engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from asl.jsonpath.definite import (
    compile_object_walk,
    compile_walk,
    definite_steps,
)
from asl.jsonpath.filters import Predicate, compile_filter
from asl.jsonpath.scanning import end_of_bracket, quoted_names
from asl.jsonpath.tail import compile_tail
from asl.jsonpath.visit import InnerWalk, Visit
from asl.payload import Json

MAX_SEGMENTS: Final = 100

Select: TypeAlias = Callable[[Json, Visit], Iterator[Json]]

_TAIL: Final = re.compile(r"\.([a-z]+)\(([^()]*)\)\s*$")
_NAME: Final = re.compile(r"[^\s.\[\]()*?@'\",:]+")
_SLICE: Final = re.compile(r"\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?")
_INDICES: Final = re.compile(r"\s*-?\d+\s*(?:,\s*-?\d+\s*)*")
_FILTER: Final = re.compile(r"\s*\?\s*\((.*)\)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Segment:
    """One step of a search; `names` are the fields of a union like `['a','b']`."""

    select: Select
    is_deep: bool
    names: tuple[str, ...] = ()


def compile_inner(rest: str) -> InnerWalk:
    """Compile what follows the root of any path; raise ValueError."""
    steps = definite_steps(rest)
    if steps is not None:
        walk = compile_walk(steps)
        return lambda node, _visit: walk(node)
    tail = _TAIL.search(rest)
    if tail is None:
        return _compile_search(rest)
    apply, inner = compile_tail(tail[1], tail[2]), compile_inner(rest[: tail.start()])
    return lambda node, visit: apply(inner(node, visit))


def _compile_search(rest: str) -> InnerWalk:
    starts, segments = zip(*_segments(rest), strict=True)
    *before, last = segments
    if len(last.names) > 1 and not last.is_deep:
        return _compile_merge(tuple(before), rest[: starts[-1]], last.names)
    return lambda node, visit: _find(segments, node, visit)


def _compile_merge(
    before: tuple[Segment, ...], prefix: str, names: tuple[str, ...]
) -> InnerWalk:
    """A union of fields at the end of a path yields one object with those fields."""
    steps = definite_steps(prefix)
    if steps is None:
        return lambda node, visit: [
            _pick(found, names)
            for found in _find(before, node, visit)
            if isinstance(found, dict)
        ]
    find = compile_object_walk(steps, names)
    return lambda node, _visit: _pick(find(node), names)


def _pick(fields: dict[str, Json], names: tuple[str, ...]) -> Json:
    return {name: fields[name] for name in names if name in fields}


def _find(segments: tuple[Segment, ...], start: Json, visit: Visit) -> list[Json]:
    nodes = [start]
    for segment in segments:
        nodes = list(_apply(segment, nodes, visit))
    return nodes


def _apply(segment: Segment, nodes: list[Json], visit: Visit) -> Iterator[Json]:
    for start in nodes:
        for node in _descendants(start) if segment.is_deep else (start,):
            visit.count(1)
            for selected in segment.select(node, visit):
                visit.count(1)
                yield selected


def _descendants(node: Json) -> Iterator[Json]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        if isinstance(current, dict):
            waiting.extend(reversed(current.values()))
        elif isinstance(current, list):
            waiting.extend(reversed(current))


def _segments(rest: str) -> Iterator[tuple[int, Segment]]:
    """Yield each segment with the position where it begins."""
    position = 0
    for _ in range(MAX_SEGMENTS):
        if position >= len(rest):
            return
        start = position
        segment, position = _segment(rest, position)
        yield start, segment
    raise ValueError("The path has too many steps")


def _segment(rest: str, position: int) -> tuple[Segment, int]:
    is_deep = rest.startswith("..", position)
    start = position + (2 if is_deep else rest.startswith(".", position))
    if rest.startswith("[", start):
        end = end_of_bracket(rest, start)
        content = rest[start + 1 : end]
        return _bracket(content, is_deep=is_deep), end + 1
    if start == position:
        msg = f"Illegal character '{rest[position]}' at position {position + 1}"
        raise ValueError(msg)
    if rest.startswith("*", start):
        return Segment(_children, is_deep), start + 1
    name = _NAME.match(rest, start)
    if name is None:
        raise ValueError("Path must not end with a '.'")
    return Segment(_fields((name[0],)), is_deep, (name[0],)), name.end()


def _bracket(content: str, *, is_deep: bool) -> Segment:
    if content.strip() == "*":
        return Segment(_children, is_deep)
    names = quoted_names(content)
    if names:
        return Segment(_fields(names), is_deep, names)
    if _INDICES.fullmatch(content):
        return Segment(_elements(tuple(map(int, content.split(",")))), is_deep)
    piece = _SLICE.fullmatch(content)
    if piece is not None:
        return Segment(_slice(piece), is_deep)
    condition = _FILTER.fullmatch(content)
    if condition is None:
        msg = f"Could not parse token: [{content}]"
        raise ValueError(msg)
    return Segment(_matching(compile_filter(condition[1], compile_inner)), is_deep)


def _children(node: Json, _visit: Visit) -> Iterator[Json]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node


def _fields(names: tuple[str, ...]) -> Select:
    def select(node: Json, _visit: Visit) -> Iterator[Json]:
        if isinstance(node, dict):
            yield from (node[name] for name in names if name in node)

    return select


def _elements(indices: tuple[int, ...]) -> Select:
    def select(node: Json, _visit: Visit) -> Iterator[Json]:
        if isinstance(node, list):
            size = len(node)
            yield from (node[index] for index in indices if -size <= index < size)

    return select


def _slice(match: re.Match[str]) -> Select:
    first, last, step = (None if part is None else int(part) for part in match.groups())
    if step == 0:
        raise ValueError("The step of a slice must not be zero")
    piece = slice(first, last, step)

    def select(node: Json, _visit: Visit) -> Iterator[Json]:
        if isinstance(node, list):
            yield from node[piece]

    return select


def _matching(predicate: Predicate) -> Select:
    """Keep the elements of an array that match; an object is itself asked."""

    def select(node: Json, visit: Visit) -> Iterator[Json]:
        candidates = node if isinstance(node, list) else [node]
        if not isinstance(node, list | dict):
            return
        for candidate in candidates:
            visit.count(1)
            if predicate(candidate, visit):
                yield candidate

    return select
