"""A definition as nodes and edges: what a drawing of it shows, and nothing of how it looks.

Each scope (the machine, a branch, a processor) has a start and an end node of its own beside
its states; a Parallel or Map owns the scopes inside it. Node ids are locations in the
definition, so they are unique and stay the same while a definition stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from asl.payload import Json
from asl.report import json_pointer
from asl.walk import MAX_NESTING, Placed, states, subregions


class NodeKind(StrEnum):
    """What a node stands for: a state by its type, or an end of a scope."""

    START = "Start"
    END = "End"
    TASK = "Task"
    PASS = "Pass"  # noqa: S105 - a state type, no password
    CHOICE = "Choice"
    WAIT = "Wait"
    SUCCEED = "Succeed"
    FAIL = "Fail"
    PARALLEL = "Parallel"
    MAP = "Map"
    UNKNOWN = "Unknown"


class EdgeKind(StrEnum):
    """Why an edge is taken."""

    START = "Start"
    NEXT = "Next"
    CHOICE = "Choice"
    DEFAULT = "Default"
    CATCH = "Catch"
    END = "End"


@dataclass(frozen=True, slots=True)
class Node:
    """One node; `detail` says more than the name (the resource of a Task, the wait)."""

    id: str
    name: str
    kind: NodeKind
    detail: str = ""
    scopes: tuple[Graph, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge between nodes of the same scope; `label` is what a person reads on it."""

    source: str
    target: str
    kind: EdgeKind
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """One scope."""

    id: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def all_nodes(self) -> Iterator[Node]:
        """Yield the nodes of this scope and of those inside it, outer before inner."""
        for node in self.nodes:
            yield node
            for scope in node.scopes:
                yield from scope.all_nodes()


_KINDS: Final = {str(kind): kind for kind in NodeKind}
_TERMINAL: Final = ("Succeed", "Fail")


def build_graph(definition: dict[str, Json]) -> Graph:
    """Return the graph of a definition; what is missing or wrong in it is left out."""
    return _scope(Placed("", definition, ()), 1)


def _scope(region: Placed, depth: int) -> Graph:
    found = list(states(region))
    ids = {state.name: json_pointer(state.location) for state in found}
    scope_id = json_pointer(region.location)
    start, end = f"{scope_id}/start", f"{scope_id}/end"
    edges = [edge for state in found for edge in _edges(state, ids, end)]
    start_at = region.fields.get("StartAt")
    if isinstance(start_at, str) and start_at in ids:
        edges.insert(0, Edge(start, ids[start_at], EdgeKind.START))
    nodes = (
        Node(start, "Start", NodeKind.START),
        *(_node(state, depth) for state in found),
        Node(end, "End", NodeKind.END),
    )
    return Graph(scope_id, nodes, tuple(edges))


def _node(state: Placed, depth: int) -> Node:
    scopes: tuple[Graph, ...] = ()
    if depth < MAX_NESTING:
        scopes = tuple(_scope(region, depth + 1) for region in subregions(state))
    return Node(
        json_pointer(state.location), state.name, _kind(state), _detail(state), scopes
    )


def _kind(state: Placed) -> NodeKind:
    kind = state.fields.get("Type")
    return (
        _KINDS.get(kind, NodeKind.UNKNOWN)
        if isinstance(kind, str)
        else NodeKind.UNKNOWN
    )


def _detail(state: Placed) -> str:
    for name in (
        "Resource",
        "Seconds",
        "SecondsPath",
        "Timestamp",
        "TimestampPath",
        "Error",
    ):
        value = state.fields.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
    return ""


def _edges(state: Placed, ids: dict[str, str], end: str) -> Iterator[Edge]:
    source = ids[state.name]
    for kind, label, target in _ways(state.fields):
        if target in ids:
            yield Edge(source, ids[target], kind, label)
    if state.fields.get("End") is True or state.fields.get("Type") in _TERMINAL:
        yield Edge(source, end, EdgeKind.END)


def _ways(fields: dict[str, Json]) -> Iterator[tuple[EdgeKind, str, str]]:
    yield from _named(EdgeKind.NEXT, "", fields.get("Next"))
    for rule in _objects(fields.get("Choices")):
        yield from _named(EdgeKind.CHOICE, rule_label(rule), rule.get("Next"))
    yield from _named(EdgeKind.DEFAULT, "Default", fields.get("Default"))
    for catcher in _objects(fields.get("Catch")):
        errors = catcher.get("ErrorEquals")
        label = ", ".join(map(str, errors)) if isinstance(errors, list) else ""
        yield from _named(EdgeKind.CATCH, label, catcher.get("Next"))


def _named(
    kind: EdgeKind, label: str, target: Json
) -> Iterator[tuple[EdgeKind, str, str]]:
    if isinstance(target, str):
        yield kind, label, target


def _objects(value: Json) -> Iterator[dict[str, Json]]:
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
        return str(condition).removeprefix("{%").removesuffix("%}").strip()
    if depth > MAX_NESTING:
        return "..."
    for name, joint in _JOINTS.items():
        if name in rule:
            return joint.join(rule_label(r, depth + 1) for r in _objects(rule[name]))
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
                return f"{variable} {symbol} {_operand(operand)}"
    return str(variable)


def _operand(operand: Json) -> str:
    if isinstance(operand, bool):
        return "true" if operand else "false"
    return str(operand)
