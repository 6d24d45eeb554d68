"""A picture as SVG: one file that needs no font, script or stylesheet beside it.

Every state is a group with the class of its type, `data-state` with its name and an id made
of its JSON pointer; every arrow one with the class of its kind. A console sets classes on them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from asl.drawing.arrange import arrange
from asl.drawing.picture import Arrow, Box, Frame, Point, Rect, Writing
from asl.drawing.style import STYLESHEET
from asl.drawing.symbols import ICONS, RETRY_ICON, number, outline, sheets, touch
from asl.graph import EdgeKind, Graph, Node, NodeKind, build_graph
from asl.payload import Json

_HEAD: Final = 8.0
_BEND: Final = 7.0
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
)
_WAYS: Final = {
    EdgeKind.START: "starts",
    EdgeKind.NEXT: "next",
    EdgeKind.CHOICE: "if",
    EdgeKind.DEFAULT: "otherwise",
    EdgeKind.CATCH: "on",
    EdgeKind.END: "ends",
}


def render_svg(definition: dict[str, Json], title: str) -> str:
    """Draw a definition; what is missing or wrong in it is left out."""
    return "\n".join(_document(arrange(build_graph(definition)), title)) + "\n"


def _document(frame: Frame, title: str) -> Iterator[str]:
    width, height = number(frame.rect.width), number(frame.rect.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sw" role="img"'
        f' viewBox="0 0 {width} {height}"{_extent(frame.rect)}'
        ' aria-labelledby="sw-title sw-description">'
    )
    yield f'<title id="sw-title">{_text(title)}</title>'
    yield f'<desc id="sw-description">{_text(_description(frame.graph))}</desc>'
    yield f"<style>\n{STYLESHEET}\n</style>"
    yield f'<rect class="sw-paper"{_extent(frame.rect)}/>'
    yield '<g class="sw-top">'
    yield from _contents(frame)
    yield "</g>"
    yield "</svg>"


def _description(graph: Graph) -> str:
    """Say in words what the picture shows, for those who do not see it."""
    names = {node.id: node.name for node in graph.nodes}
    sentences = []
    for node in graph.nodes:
        ways = [
            f"{_WAYS[edge.kind]} {edge.label}".strip() + f" to {names[edge.target]}"
            for edge in graph.edges
            if edge.source == node.id and edge.kind is not EdgeKind.END
        ]
        if node.kind not in (NodeKind.START, NodeKind.END):
            sentences.append(f"{node.name} ({node.kind}){_list(ways)}.")
        sentences += [f"In {node.name}: {_description(scope)}" for scope in node.scopes]
    return " ".join(sentences)


def _list(ways: Sequence[str]) -> str:
    return f": {'; '.join(ways)}" if ways else ""


def _contents(frame: Frame) -> Iterator[str]:
    if frame.caption is not None:
        yield _writing(frame.caption)
    boxes = {box.node.id: box for box in frame.boxes}
    for arrow in frame.arrows:
        yield from _arrow(arrow, boxes)
    for box in frame.boxes:
        yield from _box(box)


def _box(box: Box) -> Iterator[str]:
    node, rect = box.node, box.rect
    kind = str(node.kind).lower()
    data = ""
    if node.kind not in (NodeKind.START, NodeKind.END):
        data = f' data-state="{_attribute(node.name)}"'
    yield f'<g class="sw-state sw-{kind}" id="sw{_id(node.id)}"{data}{_translated(rect)}>'
    yield f"<title>{_text(_tooltip(node))}</title>"
    yield from _shape(box, Rect(0, 0, rect.width, rect.height))
    yield from map(_writing, box.writings)
    for frame in box.frames:
        yield f'<g class="sw-scope"{_translated(frame.rect)}>'
        yield f'<rect class="sw-frame"{_extent(frame.rect)} rx="6"/>'
        yield from _contents(frame)
        yield "</g>"
    yield "</g>"


def _shape(box: Box, rect: Rect) -> Iterator[str]:
    kind = box.node.kind
    if kind in (NodeKind.START, NodeKind.END):
        yield from _end(kind, rect.width / 2)
        return
    if kind is NodeKind.MAP:
        yield f'<path class="sw-sheet" d="{sheets(rect)}"/>'
    yield f'<path class="sw-shape" d="{outline(kind, rect)}"/>'
    yield _icon("sw-icon", box.icon, ICONS[kind])
    if box.retry_mark is not None:
        yield _icon("sw-retry", box.retry_mark, RETRY_ICON)


def _icon(name: str, at: Point, path: str) -> str:
    return f'<path class="{name}" transform="{_move(at.x, at.y)}" d="{path}"/>'


def _end(kind: NodeKind, middle: float) -> Iterator[str]:
    """Draw a dot for a start, a dot in a ring for an end."""
    at, r = number(middle), number(middle - 1)
    yield f'<circle class="sw-shape" cx="{at}" cy="{at}" r="{r}"/>'
    if kind is NodeKind.END:
        yield f'<circle class="sw-dot" cx="{at}" cy="{at}" r="{number(middle - 5)}"/>'


def _tooltip(node: Node) -> str:
    lines = [f"{node.name} ({node.kind})", node.detail]
    lines += [f"Retry: {errors}" for errors in node.retries]
    return "\n".join(line for line in lines if line)


def _arrow(arrow: Arrow, boxes: dict[str, Box]) -> Iterator[str]:
    edge = arrow.edges[0]
    kind = str(edge.kind).lower()
    ends = (_attribute(boxes[end].node.name) for end in (edge.source, edge.target))
    source, target = ends
    points = _clipped(arrow, boxes[edge.source], boxes[edge.target])
    yield (
        f'<g class="sw-arrow sw-{kind}" data-source="{source}" data-target="{target}">'
    )
    yield f'<path class="sw-line" d="{_line(points)}"/>'
    yield f'<path class="sw-head" d="{_head(points)}"/>'
    if arrow.label is not None:
        yield f"<title>{_text(arrow.label.full)}</title>"
        rect = arrow.label.rect
        yield f'<g{_translated(rect)}><rect class="sw-label"{_extent(rect)} rx="3"/>'
        yield from map(_writing, arrow.label.writings)
        yield "</g>"
    yield "</g>"


def _clipped(arrow: Arrow, source: Box, target: Box) -> list[Point]:
    """Let an arrow begin and end at the outlines of its nodes."""
    first, last = arrow.points[0], arrow.points[-1]
    if not arrow.is_reference:
        last = touch(target.node.kind, target.rect, last)
    first = touch(source.node.kind, source.rect, first)
    return [first, *arrow.points[1:-1], last]


def _line(points: Sequence[Point]) -> str:
    """Draw an arrow's line, up to its head, with round bends."""
    end = _towards(points[-1], points[-2], _HEAD - 1)
    parts = [f"M{_pair(points[0])}"]
    for before, bend, after in zip(
        points, points[1:], [*points[2:-1], end], strict=False
    ):
        into, out = _towards(bend, before, _BEND), _towards(bend, after, _BEND)
        parts.append(f"L{_pair(into)}Q{_pair(bend)} {_pair(out)}")
    return "".join([*parts, f"L{_pair(end)}"])


def _towards(start: Point, goal: Point, distance: float) -> Point:
    """Return the point some way towards another, half way at most."""
    length = math.dist((start.x, start.y), (goal.x, goal.y))
    share = min(distance / length, 0.5) if length else 0.0
    return Point(
        start.x + (goal.x - start.x) * share, start.y + (goal.y - start.y) * share
    )


def _head(points: Sequence[Point]) -> str:
    tip, before = points[-1], points[-2]
    length = math.dist((tip.x, tip.y), (before.x, before.y)) or 1.0
    x, y = (tip.x - before.x) / length, (tip.y - before.y) / length
    back = Point(tip.x - x * _HEAD, tip.y - y * _HEAD)
    left = Point(back.x - y * _HEAD / 2, back.y + x * _HEAD / 2)
    right = Point(back.x + y * _HEAD / 2, back.y - x * _HEAD / 2)
    return f"M{_pair(tip)}L{_pair(left)}L{_pair(right)}Z"


def _writing(writing: Writing) -> str:
    name = writing.font.name + (" sw-centred" if writing.is_centred else "")
    at = f'x="{number(writing.x)}" y="{number(writing.y)}"'
    return f'<text class="{name}" {at}>{_text(writing.text)}</text>'


def _translated(rect: Rect) -> str:
    return f' transform="{_move(rect.x, rect.y)}"'


def _move(x: float, y: float) -> str:
    return f"translate({number(x)} {number(y)})"


def _extent(rect: Rect) -> str:
    return f' width="{number(rect.width)}" height="{number(rect.height)}"'


def _pair(point: Point) -> str:
    return f"{number(point.x)} {number(point.y)}"


def _id(pointer: str) -> str:
    return quote(_UNPRINTABLE.sub("\ufffd", pointer), safe="/")


def _text(text: str) -> str:
    return escape(_UNPRINTABLE.sub("\ufffd", text), quote=False)


def _attribute(text: str) -> str:
    return escape(_UNPRINTABLE.sub("\ufffd", text)).replace("\n", "&#10;")
