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
from asl.summaries import error_names, objects, rule_label, state_detail
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
    """One node; `detail` says more than the name (the function of a Task, the wait).

    `retries` are the errors of each retrier.
    """

    id: str
    name: str
    kind: NodeKind
    detail: str = ""
    retries: tuple[str, ...] = ()
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
    """One scope; `name` says which it is of a state's scopes, and is empty for the machine."""

    id: str
    name: str
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
    return Graph(scope_id, _scope_name(region), nodes, tuple(edges))


def _scope_name(region: Placed) -> str:
    if not region.location:
        return ""
    step = region.location[-1]
    if isinstance(step, int):
        return f"Branch {step + 1}"
    config = region.fields.get("ProcessorConfig")
    mode = config.get("Mode") if isinstance(config, dict) else None
    return "Each item, distributed" if mode == "DISTRIBUTED" else "Each item"


def _node(state: Placed, depth: int) -> Node:
    scopes: tuple[Graph, ...] = ()
    if depth < MAX_NESTING:
        scopes = tuple(_scope(region, depth + 1) for region in subregions(state))
    return Node(
        id=json_pointer(state.location),
        name=state.name,
        kind=_kind(state),
        detail=state_detail(state.fields),
        retries=tuple(map(error_names, objects(state.fields.get("Retry")))),
        scopes=scopes,
    )


def _kind(state: Placed) -> NodeKind:
    kind = state.fields.get("Type")
    return (
        _KINDS.get(kind, NodeKind.UNKNOWN)
        if isinstance(kind, str)
        else NodeKind.UNKNOWN
    )


def _edges(state: Placed, ids: dict[str, str], end: str) -> Iterator[Edge]:
    source = ids[state.name]
    for kind, label, target in _ways(state.fields):
        if target in ids:
            yield Edge(source, ids[target], kind, label)
    if state.fields.get("End") is True or state.fields.get("Type") in _TERMINAL:
        yield Edge(source, end, EdgeKind.END)


def _ways(fields: dict[str, Json]) -> Iterator[tuple[EdgeKind, str, str]]:
    yield from _named(EdgeKind.NEXT, "", fields.get("Next"))
    for rule in objects(fields.get("Choices")):
        yield from _named(EdgeKind.CHOICE, rule_label(rule), rule.get("Next"))
    yield from _named(EdgeKind.DEFAULT, "Default", fields.get("Default"))
    for catcher in objects(fields.get("Catch")):
        yield from _named(EdgeKind.CATCH, error_names(catcher), catcher.get("Next"))


def _named(
    kind: EdgeKind, label: str, target: Json
) -> Iterator[tuple[EdgeKind, str, str]]:
    if isinstance(target, str):
        yield kind, label, target
