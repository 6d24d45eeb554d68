"""The geometry of a picture, in absolute places, and what must hold of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from asl.drawing.picture import Arrow, Box, Frame, Rect

SLACK = 0.2


@dataclass(frozen=True)
class Flaw:
    """Something that is where it must not be."""

    what: str
    one: str
    other: str


def overlap(one: Rect, other: Rect) -> bool:
    return (
        one.x < other.right - SLACK
        and other.x < one.right - SLACK
        and one.y < other.bottom - SLACK
        and other.y < one.bottom - SLACK
    )


def holds(outer: Rect, inner: Rect) -> bool:
    return (
        outer.x <= inner.x + SLACK
        and outer.y <= inner.y + SLACK
        and inner.right <= outer.right + SLACK
        and inner.bottom <= outer.bottom + SLACK
    )


def flaws(frame: Frame) -> Iterator[Flaw]:
    """Yield everything that overlaps or leaves what it belongs to, frames inside too."""
    room = Rect(0, 0, frame.rect.width, frame.rect.height)
    things = [(box.node.id, box.rect) for box in frame.boxes]
    things += [
        (f"label {arrow.label.full}", arrow.label.rect)
        for arrow in frame.arrows
        if arrow.label is not None
    ]
    if frame.caption is not None:
        things.append(("caption", frame.caption.rect))
    for (name, rect), (other_name, other) in combinations(things, 2):
        if overlap(rect, other):
            yield Flaw("overlap", name, other_name)
    for name, rect in things:
        if not holds(room, rect):
            yield Flaw("outside its frame", name, frame.graph.id)
    for arrow in frame.arrows:
        yield from _arrow_flaws(arrow, frame)
    for box in frame.boxes:
        yield from _box_flaws(box)


def _box_flaws(box: Box) -> Iterator[Flaw]:
    room = Rect(0, 0, box.rect.width, box.rect.height)
    inner = [(writing.text, writing.rect) for writing in box.writings]
    if box.retry_mark is not None:
        inner.append(("retry mark", Rect(box.retry_mark.x, box.retry_mark.y, 14, 12)))
    inner += [(frame.graph.id, frame.rect) for frame in box.frames]
    for name, rect in inner:
        if not holds(room, rect):
            yield Flaw("outside its box", name, box.node.id)
    for (name, rect), (other_name, other) in combinations(inner, 2):
        if overlap(rect, other) and box.frames and name != other_name:
            yield Flaw("overlap", name, other_name)
    for frame in box.frames:
        yield from flaws(frame)


def _arrow_flaws(arrow: Arrow, frame: Frame) -> Iterator[Flaw]:
    room = Rect(0, 0, frame.rect.width, frame.rect.height)
    edge = arrow.edges[0]
    rects = {box.node.id: box.rect for box in frame.boxes}
    if arrow.is_reference and arrow.label is not None:
        rects[edge.target] = arrow.label.rect
    for end, point in (
        (edge.source, arrow.points[0]),
        (edge.target, arrow.points[-1]),
    ):
        if not holds(rects[end], Rect(point.x, point.y, 0, 0)):
            yield Flaw("an arrow does not touch", end, f"{edge.source} {edge.target}")
    for point in arrow.points:
        if not holds(room, Rect(point.x, point.y, 0, 0)):
            yield Flaw("outside its frame", "an arrow", f"{edge.source} {edge.target}")
    if arrow.label is not None:
        inside = Rect(0, 0, arrow.label.rect.width, arrow.label.rect.height)
        for writing in arrow.label.writings:
            if not holds(inside, writing.rect):
                yield Flaw("outside its label", writing.text, arrow.label.full)
