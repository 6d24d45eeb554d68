"""A graph as a Mermaid flowchart, for the places that draw those: READMEs, wikis, chats.

Nodes are named `n0`, `n1` ... in the order of the definition; what a person reads is in quotes,
where Mermaid takes all characters but a few, which are written as entities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Final

from asl.graph import Edge, EdgeKind, Graph, Node, NodeKind, build_graph
from asl.payload import Json

_LONGEST: Final = 80
# The shape that Mermaid draws: what stands before the quotes and after them.
_SHAPES: Final = {
    NodeKind.CHOICE: ("{{", "}}"),
    NodeKind.SUCCEED: ("([", "])"),
    NodeKind.FAIL: ("[[", "]]"),
    NodeKind.WAIT: ("(", ")"),
    NodeKind.PASS: ("[/", "/]"),
}
_BOX: Final = ("[", "]")
_SPECIAL: Final = re.compile(r"[^\w .,:=()$%/+*'?!-]")


def render_mermaid(definition: dict[str, Json]) -> str:
    """Write a definition as a flowchart; what is missing or wrong in it is left out."""
    graph = build_graph(definition)
    names = {
        node.id: f"n{n}" for n, node in zip(count(), graph.all_nodes(), strict=False)
    }
    return "\n".join(["flowchart TD", *_scope(graph, names, "    ")]) + "\n"


def _scope(graph: Graph, names: dict[str, str], indent: str) -> Iterator[str]:
    touched = {end for edge in graph.edges for end in (edge.source, edge.target)}
    for node in graph.nodes:
        if node.kind in (NodeKind.START, NodeKind.END):
            if node.id in touched:
                yield f"{indent}{names[node.id]}(({_end(node)}))"
        elif node.scopes:
            yield from _container(node, names, indent)
        else:
            before, after = _SHAPES.get(node.kind, _BOX)
            yield f"{indent}{names[node.id]}{before}{_quoted(_lines(node))}{after}"
    for edge in graph.edges:
        yield f"{indent}{names[edge.source]} {_arrow(edge)} {names[edge.target]}"


def _end(node: Node) -> str:
    return _quoted(str(node.kind))


def _container(node: Node, names: dict[str, str], indent: str) -> Iterator[str]:
    name = names[node.id]
    yield f"{indent}subgraph {name} [{_quoted(_lines(node))}]"
    for number, scope in enumerate(node.scopes):
        yield f"{indent}    subgraph {name}s{number} [{_quoted(scope.name)}]"
        yield from _scope(scope, names, f"{indent}        ")
        yield f"{indent}    end"
    yield f"{indent}end"


def _lines(node: Node) -> str:
    detail = f" · {node.detail}" if node.detail else ""
    return f"{node.name}\n{node.kind}{detail}"


def _arrow(edge: Edge) -> str:
    if edge.kind is EdgeKind.CATCH:
        return f"-. {_quoted(edge.label or 'Catch')} .->"
    return f"-- {_quoted(edge.label)} -->" if edge.label else "-->"


def _quoted(text: str) -> str:
    """Quote a text; its lines are cut, and what Mermaid would read becomes an entity."""
    lines = (line[:_LONGEST] for line in text.split("\n"))
    return '"' + "<br/>".join(_SPECIAL.sub(_entity, line) for line in lines) + '"'


def _entity(match: re.Match[str]) -> str:
    return match[0] if match[0] == "·" else f"#{ord(match[0])};"
