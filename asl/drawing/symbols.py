"""Outlines and marks: what tells the types of states apart without colour."""

from __future__ import annotations

import math
from typing import Final

from asl.drawing.picture import Point, Rect
from asl.graph import NodeKind

ROUND: Final = 8.0
_FOLD: Final = 10.0

# Drawn in a square of 18, with lines only.
ICONS: Final[dict[NodeKind, str]] = {
    NodeKind.TASK: "M3 9a6 6 0 1 0 12 0a6 6 0 1 0-12 0M9 6.6a2.4 2.4 0 1 0 0 4.8a2.4 2.4 0 1"
    " 0 0-4.8M9 1v2M9 15v2M1 9h2M15 9h2M3.3 3.3l1.5 1.5M13.2 13.2l1.5 1.5M3.3 14.7l1.5-1.5"
    "M13.2 4.8l1.5-1.5",
    NodeKind.PASS: "M2 9h13M10 4l5 5l-5 5",
    NodeKind.CHOICE: "M9 1.5l7.5 7.5l-7.5 7.5l-7.5-7.5zM6.8 7a2.2 2.2 0 1 1 3.2 2q-1 .5-1 1.6"
    "M9 12.8v.4",
    NodeKind.WAIT: "M2 9a7 7 0 1 0 14 0a7 7 0 1 0-14 0M9 4.6v4.6l3 2.2",
    NodeKind.SUCCEED: "M2.5 9.5l4.3 4.3l8.7-9.6",
    NodeKind.FAIL: "M4 4l10 10M14 4l-10 10",
    NodeKind.PARALLEL: "M4 2v14M9 2v14M14 2v14",
    NodeKind.MAP: "M2 4h9v9h-9zM5 4v-2.5h9.5v9h-3.5",
    NodeKind.UNKNOWN: "M6 6.5a3 3 0 1 1 4.4 2.7q-1.4.7-1.4 2.3M9 14v.5",
}
RETRY_ICON: Final = "M10.2 3.2a4.6 4.6 0 1 0 1.4 3.3M11.8 1v3h-3"


def outline(kind: NodeKind, rect: Rect) -> str:
    """Return the path of a node's outline."""
    draw = _OUTLINES.get(kind)
    if draw is not None:
        return draw(rect)
    return _rounded(rect, ROUND if kind is not NodeKind.PASS else 2.0)


def number(value: float) -> str:
    """Write a length as short as it can be."""
    shown = f"{value:.1f}".removesuffix(".0")
    return "0" if shown == "-0" else shown


def _path(*parts: str | float) -> str:
    return " ".join(part if isinstance(part, str) else number(part) for part in parts)


def _rounded(rect: Rect, r: float) -> str:
    right, bottom = rect.right, rect.bottom
    return _path(
        *(
            "M",
            rect.x + r,
            rect.y,
            "H",
            right - r,
            "A",
            r,
            r,
            "0 0 1",
            right,
            rect.y + r,
        ),
        *("V", bottom - r, "A", r, r, "0 0 1", right - r, bottom),
        *("H", rect.x + r, "A", r, r, "0 0 1", rect.x, bottom - r),
        *("V", rect.y + r, "A", r, r, "0 0 1", rect.x + r, rect.y, "Z"),
    )


def _corners(rect: Rect) -> tuple[float, float]:
    """Return how far the cut corners of a Choice or Fail reach."""
    return min(_CHOICE_POINT, rect.width / 4), rect.height / 2


_CHOICE_POINT: Final = 14.0
_FAIL_CUT: Final = 9.0


def _choice(rect: Rect) -> str:
    return _cut_corners(rect, *_corners(rect))


def _fail(rect: Rect) -> str:
    return _cut_corners(rect, _FAIL_CUT, _FAIL_CUT)


def _cut_corners(rect: Rect, x: float, y: float) -> str:
    right, bottom = rect.right, rect.bottom
    return _path(
        *("M", rect.x + x, rect.y, "H", right - x, "L", right, rect.y + y),
        *("V", bottom - y, "L", right - x, bottom, "H", rect.x + x),
        *("L", rect.x, bottom - y, "V", rect.y + y, "Z"),
    )


def _stadium(rect: Rect) -> str:
    return _rounded(rect, rect.height / 2)


def sheets(rect: Rect) -> str:
    """Return two more sheets that look out behind a Map."""
    right, bottom = rect.right, rect.bottom
    return " ".join(
        _path(
            *("M", rect.x + ROUND + d, bottom + d, "H", right - ROUND + d),
            *("A", ROUND, ROUND, "0 0 0", right + d, bottom - ROUND + d),
            *("V", rect.y + ROUND + d),
        )
        for d in (3.0, 6.0)
    )


_OUTLINES: Final = {
    NodeKind.CHOICE: _choice,
    NodeKind.FAIL: _fail,
    NodeKind.SUCCEED: _stadium,
}


def touch(kind: NodeKind, rect: Rect, point: Point) -> Point:
    """Move the end of an arrow from a node's rectangle to its outline."""
    if kind is NodeKind.CHOICE:
        return _onto_cut(rect, point, *_corners(rect))
    if kind is NodeKind.FAIL:
        return _onto_cut(rect, point, _FAIL_CUT, _FAIL_CUT)
    if kind is NodeKind.SUCCEED:
        return _onto_round(rect, point, rect.height / 2)
    if kind in (NodeKind.START, NodeKind.END):
        return _onto_round(rect, point, rect.height / 2)
    return point


def _onto_cut(rect: Rect, point: Point, x: float, y: float) -> Point:
    from_side = min(point.x - rect.x, rect.right - point.x)
    from_end = min(point.y - rect.y, rect.bottom - point.y)
    if from_end <= 0.01 and from_side < x:
        return _inwards(rect, point, y * (1 - from_side / x), is_vertical=True)
    if from_side <= 0.01 and from_end < y:
        return _inwards(rect, point, x * (1 - from_end / y), is_vertical=False)
    return point


def _onto_round(rect: Rect, point: Point, r: float) -> Point:
    from_side = min(point.x - rect.x, rect.right - point.x)
    from_end = min(point.y - rect.y, rect.bottom - point.y)
    if from_end <= 0.01 and from_side < r:
        depth = r - math.sqrt(r * r - (r - from_side) ** 2)
        return _inwards(rect, point, depth, is_vertical=True)
    if from_side <= 0.01 and from_end < r:
        depth = r - math.sqrt(r * r - (r - from_end) ** 2)
        return _inwards(rect, point, depth, is_vertical=False)
    return point


def _inwards(rect: Rect, point: Point, depth: float, *, is_vertical: bool) -> Point:
    if is_vertical:
        is_top = point.y < rect.y + rect.height / 2
        return Point(point.x, point.y + (depth if is_top else -depth))
    is_left = point.x < rect.x + rect.width / 2
    return Point(point.x + (depth if is_left else -depth), point.y)
