"""What is where in a picture: boxes, frames, arrows and writing, in pixels.

Places are relative to what contains them: those of boxes and arrows to their frame, those of
frames and writing to their box. A frame is a scope; a box is a node, and has frames inside it
when it is a Parallel or Map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from asl.drawing.lettering import Font
from asl.graph import Edge, Graph, Node


@dataclass(frozen=True, slots=True)
class Point:
    """A place."""

    x: float
    y: float


ORIGIN: Final = Point(0, 0)


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle, by its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower side."""
        return self.y + self.height

    def moved(self, x: float, y: float) -> Rect:
        """Return it somewhere else."""
        return replace(self, x=self.x + x, y=self.y + y)


@dataclass(frozen=True, slots=True)
class Writing:
    """One line of text; `x`, `y` is where its base line begins, or has its middle."""

    text: str
    font: Font
    x: float
    y: float
    is_centred: bool = False

    @property
    def rect(self) -> Rect:
        """The room that it takes at most."""
        font, width = self.font, self.font.width(self.text)
        left = self.x - width / 2 if self.is_centred else self.x
        return Rect(left, self.y - font.size, width, 1.3 * font.size)


@dataclass(frozen=True, slots=True)
class Box:
    """One node; `icon` and `retry_mark` are the upper left corners of its marks."""

    node: Node
    rect: Rect
    icon: Point = ORIGIN
    retry_mark: Point | None = None
    writings: tuple[Writing, ...] = ()
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """What is written on an arrow; `full` is all of it, where lines were cut."""

    rect: Rect
    writings: tuple[Writing, ...]
    full: str


@dataclass(frozen=True, slots=True)
class Arrow:
    """One way between two boxes, for all the edges of one kind between them.

    A reference ends at its label, which names the box that it leads to.
    """

    edges: tuple[Edge, ...]
    points: tuple[Point, ...]
    label: Label | None = None
    is_reference: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One scope."""

    graph: Graph
    rect: Rect
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    caption: Writing | None = None

    def moved(self, x: float, y: float) -> Frame:
        """Return it somewhere else."""
        return replace(self, rect=self.rect.moved(x, y))
