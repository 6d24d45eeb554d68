"""What one evaluation of a path may look at: a bound that holds for filters within it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from asl.errors import StatesError
from asl.payload import Json

MAX_VISITS: Final = 200_000


class Visit:
    """One evaluation: the document, and how many nodes it may still look at."""

    __slots__ = ("document", "left")

    def __init__(self, document: Json) -> None:
        self.document = document
        self.left = MAX_VISITS

    def count(self, nodes: int) -> None:
        """Take nodes off what is left."""
        self.left -= nodes
        if self.left < 0:
            cause = f"The JSONPath visits more than {MAX_VISITS} nodes of the document."
            raise StatesError("States.Runtime", cause)


InnerWalk: TypeAlias = Callable[[Json, Visit], Json]
"""Walks from a node, counting; raises PathMiss where a definite path ends."""
