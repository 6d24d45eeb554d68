"""How large a node is, and what is written in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from asl.drawing.lettering import DETAIL, NAME, cut, wrap
from asl.drawing.picture import Box, Frame, Point, Rect, Writing
from asl.graph import Node, NodeKind

ICON: Final = 18.0
_PADDING: Final = 12.0
_GAP: Final = 16.0
_ICON_COLUMN: Final = ICON + 10
_MOST_TEXT: Final = 230.0
_LEAST_TEXT: Final = 64.0
_RETRY_MARK: Final = 18.0
# A shape that runs to points, or is round, at its sides needs more room beside the text.
_SIDES: Final = {NodeKind.CHOICE: 12.0, NodeKind.SUCCEED: 6.0, NodeKind.FAIL: 2.0}
_ENDS: Final = (NodeKind.START, NodeKind.END)
_END_SIZE: Final = 22.0
_ASPECT: Final = 2.2
_LEAST_ROW: Final = 1600.0


def measure(node: Node, frames: Sequence[Frame]) -> Box:
    """Return a node as a box at the origin, with its scopes arranged in it."""
    if node.kind in _ENDS:
        return Box(node, Rect(0, 0, _END_SIZE, _END_SIZE))
    side = _PADDING + _SIDES.get(node.kind, 0.0)
    left = side + _ICON_COLUMN
    writings, height = _write(node, left)
    text = max([_LEAST_TEXT, *(writing.rect.width for writing in writings)])
    width = left + text + side + (_RETRY_MARK if node.retries else 0.0)
    rect = Rect(0, 0, _whole(width), _whole(height))
    mark = Point(rect.right - side - 12, 8) if node.retries else None
    box = Box(node, rect, Point(side, 12), mark, writings)
    return _contain(box, frames) if frames else box


def _whole(length: float) -> float:
    """Round up to an even number, so that middles are whole."""
    return 2.0 * math.ceil(length / 2)


def _write(node: Node, left: float) -> tuple[tuple[Writing, ...], float]:
    kind = "?" if node.kind is NodeKind.UNKNOWN else str(node.kind)
    detail = f"{kind} · {node.detail}" if node.detail else kind
    lines = [(line, NAME) for line in wrap(node.name, NAME, _MOST_TEXT, 3)]
    lines.append((cut(detail, DETAIL, _MOST_TEXT), DETAIL))
    writings, y = [], _PADDING - 2
    for text, font in lines:
        writings.append(Writing(text, font, left, round(y + font.size, 1)))
        y += font.line_height
    return tuple(writings), y + _PADDING - 4


def _contain(box: Box, frames: Sequence[Frame]) -> Box:
    """Put the frames into rows below what is written, and let the box be as large."""
    placed: list[Frame] = []
    longest = max(_LEAST_ROW, _fair_row(frames))
    x, y, row_height, width = _PADDING, box.rect.height + 2, 0.0, box.rect.width
    for frame in frames:
        if x > _PADDING and x + frame.rect.width > longest:
            x, y, row_height = _PADDING, y + row_height + _GAP, 0.0
        placed.append(frame.moved(x, y))
        x += frame.rect.width + _GAP
        row_height = max(row_height, frame.rect.height)
        width = max(width, x - _GAP + _PADDING)
    height = y + row_height + _PADDING
    rect = Rect(0, 0, _whole(width), _whole(height))
    mark = None if box.retry_mark is None else Point(rect.right - 24, box.retry_mark.y)
    return replace(box, rect=rect, retry_mark=mark, frames=tuple(placed))


def _fair_row(frames: Sequence[Frame]) -> float:
    """Return a length of rows that makes the whole a little wider than high."""
    area = sum((f.rect.width + _GAP) * (f.rect.height + _GAP) for f in frames)
    return math.sqrt(area * _ASPECT)
