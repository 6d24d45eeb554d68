"""The arrows of a scope before they are placed: which edges go together, and what they say.

A state that very many lead to (the handler of everybody's errors) would drown the picture in
lines. Beyond a number of arrows to it the others end at a reference that names it: `→ Failed`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from asl.drawing.lettering import CAPTION, RULE, Font, cut, wrap
from asl.drawing.picture import Arrow, Label, Rect, Writing
from asl.graph import Edge, EdgeKind, Graph

MOST_ARROWS: Final = 12
_MOST_TO_END: Final = 40
_ROOM: Final = 200.0
_LINES: Final = 3
_RULES: Final = 5
_PAD_X, _PAD_Y = 5.0, 3.0
_SAID_IN_WORDS: Final = (EdgeKind.CATCH, EdgeKind.DEFAULT)


def arrows_of(graph: Graph, most: int = MOST_ARROWS) -> list[Arrow]:
    """Return the arrows of a scope; at most so many of them end at the same state."""
    names = {node.id: node.name for node in graph.nodes}
    arrived: Counter[str] = Counter()
    arrows = []
    for edges in _bundles(graph.edges):
        kind, target = edges[0].kind, edges[0].target
        arrived[target] += 1
        limit = _MOST_TO_END if kind is EdgeKind.END and most > 1 else most
        reference = names[target] if arrived[target] > limit else ""
        arrows.append(_arrow(edges, reference))
    return arrows


def _bundles(edges: Iterable[Edge]) -> list[tuple[Edge, ...]]:
    """Put edges of the same kind between the same nodes together."""
    bundles: dict[tuple[str, str, EdgeKind], list[Edge]] = {}
    for edge in edges:
        bundles.setdefault((edge.source, edge.target, edge.kind), []).append(edge)
    return [tuple(bundle) for bundle in bundles.values()]


def _arrow(edges: tuple[Edge, ...], reference: str) -> Arrow:
    font = CAPTION if edges[0].kind in _SAID_IN_WORDS else RULE
    labels = [edge.label for edge in edges if edge.label.strip()]
    lines = _lines(labels, font) if labels else []
    if reference:
        lines.append(cut(f"→ {reference}", font, _ROOM))
    label = _label(lines, font, "\n".join([*labels, reference])) if lines else None
    return Arrow(edges, (), label, is_reference=bool(reference))


def _lines(labels: Sequence[str], font: Font) -> list[str]:
    if len(labels) == 1:
        return list(wrap(labels[0], font, _ROOM, _LINES))
    lines = [cut(label, font, _ROOM) for label in labels[:_RULES]]
    if len(labels) > _RULES:
        lines.append(f"+ {len(labels) - _RULES} more")
    return lines


def _label(lines: Sequence[str], font: Font, full: str) -> Label:
    width = round(max(map(font.width, lines)) + 2 * _PAD_X, 1)
    rect = Rect(0, 0, width, round(len(lines) * font.line_height + 2 * _PAD_Y, 1))
    writings = tuple(
        Writing(line, font, round(width / 2, 1), _base(font, n), is_centred=True)
        for n, line in enumerate(lines)
    )
    return Label(rect, writings, full.strip())


def _base(font: Font, line: int) -> float:
    return round(_PAD_Y + font.size + line * font.line_height, 1)
