"""Where everything goes: each scope laid out by `graphlay`, innermost first.

A label is a node of its own on the way of its arrow, so that it stands on its line and
nothing else stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import graphlay

from asl.drawing.lettering import CAPTION
from asl.drawing.picture import Arrow, Box, Frame, Point, Rect, Writing
from asl.drawing.sizing import measure
from asl.drawing.ways import arrows_of
from asl.graph import EdgeKind, Graph, Node, NodeKind

_MARGIN: Final = 18.0
_CAPTION_ROOM: Final = 20.0
_OPTIONS: Final = {
    "direction": "topbottom",
    "spacing": {
        "layer_gap": 30.0,
        "node_gap": 30.0,
        "dummy_gap": 22.0,
        "port_gap": 14.0,
        "stub": 10.0,
    },
    "cycles": {"strategy": "follow_flow"},
    "coords": {"terminal_centering": True},
    # A picture beyond this is drawn with fewer lines instead.
    "limits": {"max_dummies": 3000},
}
_MANY: Final = 300
_QUICKLY: Final = {"effort": "fast"}
# The main way through a scope should be straight, and failures should make room for it.
_WEIGHTS: Final = {EdgeKind.NEXT: 2.0, EdgeKind.START: 2.0, EdgeKind.CATCH: 0.5}
_ENDS: Final = (NodeKind.START, NodeKind.END)


def arrange(graph: Graph) -> Frame:
    """Return the picture of a graph."""
    boxes = [
        measure(node, [arrange(scope) for scope in node.scopes])
        for node in _shown(graph)
    ]
    if not boxes:
        return Frame(graph, Rect(0, 0, 2 * _MARGIN, 2 * _MARGIN), (), ())
    try:
        return _frame(graph, *_laid_out(boxes, arrows_of(graph)))
    except graphlay.GraphlayError:
        return _frame(graph, *_laid_out(boxes, arrows_of(graph, most=1)))


def _shown(graph: Graph) -> list[Node]:
    """Return the nodes, without ends that no edge touches."""
    touched = {end for edge in graph.edges for end in (edge.source, edge.target)}
    return [n for n in graph.nodes if n.kind not in _ENDS or n.id in touched]


def _frame(graph: Graph, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Frame:
    caption = _caption(graph)
    around = _around(boxes, arrows)
    top = _MARGIN if caption is None else _MARGIN + _CAPTION_ROOM
    x, y = _MARGIN - around.x, top - around.y
    width = around.width + 2 * _MARGIN
    if caption is not None:
        width = max(width, caption.rect.right + _MARGIN)
    return Frame(
        graph=graph,
        rect=Rect(0, 0, width, around.height + top + _MARGIN),
        boxes=tuple(replace(box, rect=box.rect.moved(x, y)) for box in boxes),
        arrows=tuple(_move_arrow(arrow, x, y) for arrow in arrows),
        caption=caption,
    )


def _caption(graph: Graph) -> Writing | None:
    return Writing(graph.name, CAPTION, 12, 18) if graph.name else None


def _laid_out(
    boxes: Sequence[Box], arrows: Sequence[Arrow]
) -> tuple[list[Box], list[Arrow]]:
    """Place boxes and arrows; raise GraphlayError where there are too many long ways."""
    plan = _Plan(boxes, arrows)
    found = graphlay.layout(
        {"nodes": plan.nodes, "edges": plan.edges},
        options=_OPTIONS if len(plan.nodes) <= _MANY else _OPTIONS | _QUICKLY,
    )
    middles = [Point(**node["center"]) for node in found.nodes]
    placed = [
        replace(box, rect=_centred(box.rect, middle))
        for box, middle in zip(boxes, middles, strict=False)
    ]
    return placed, [
        _place_arrow(arrow, plan.ways[number], middles, found.edges)
        for number, arrow in enumerate(arrows)
    ]


@dataclass(frozen=True, slots=True)
class _Way:
    """What stands for an arrow in the engine: some edges and, for its label, a node."""

    edges: range
    label: int | None


class _Plan:
    """What the engine is asked for: boxes and labels as nodes, arrows as edges between them."""

    def __init__(self, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> None:
        self.nodes = [_node(box.rect, box.node.kind) for box in boxes]
        self.edges: list[dict[str, Any]] = []
        self._indices = {box.node.id: index for index, box in enumerate(boxes)}
        self.ways = [self._way(arrow) for arrow in arrows]

    def _way(self, arrow: Arrow) -> _Way:
        edge, first, label = arrow.edges[0], len(self.edges), None
        stops = [self._indices[edge.source], self._indices[edge.target]]
        if arrow.label is not None:
            label = len(self.nodes)
            stops.insert(1, label)
            self.nodes.append(_node(arrow.label.rect))
        if arrow.is_reference:
            stops.pop()
        weight = _WEIGHTS.get(edge.kind, 1.0)
        self.edges += [
            {"source": source, "target": target, "weight": weight}
            for source, target in pairwise(stops)
        ]
        return _Way(range(first, len(self.edges)), label)


def _place_arrow(
    arrow: Arrow, way: _Way, middles: Sequence[Point], edges: Sequence[dict[str, Any]]
) -> Arrow:
    points = tuple(
        Point(point["x"], point["y"])
        for number in way.edges
        for point in edges[number]["points"]
    )
    label = arrow.label
    if label is not None and way.label is not None:
        label = replace(label, rect=_centred(label.rect, middles[way.label]))
    return replace(arrow, points=points, label=label)


def _node(rect: Rect, kind: NodeKind | None = None) -> dict[str, Any]:
    size = {"width": rect.width, "height": rect.height}
    return {"shape": "ellipse" if kind in _ENDS else "box", "size": size}


def _centred(rect: Rect, middle: Point) -> Rect:
    return rect.moved(middle.x - rect.width / 2, middle.y - rect.height / 2)


def _around(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Rect:
    """Return the rectangle around everything."""
    rects = [box.rect for box in boxes]
    rects += [arrow.label.rect for arrow in arrows if arrow.label is not None]
    rects += [Rect(p.x, p.y, 0, 0) for arrow in arrows for p in arrow.points]
    left, top = min(rect.x for rect in rects), min(rect.y for rect in rects)
    right, bottom = (
        max(rect.right for rect in rects),
        max(rect.bottom for rect in rects),
    )
    return Rect(left, top, right - left, bottom - top)


def _move_arrow(arrow: Arrow, x: float, y: float) -> Arrow:
    points = tuple(Point(point.x + x, point.y + y) for point in arrow.points)
    label = arrow.label
    if label is not None:
        label = replace(label, rect=label.rect.moved(x, y))
    return replace(arrow, points=points, label=label)
