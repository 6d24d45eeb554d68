"""Items in batches: a batch takes items as long as neither of its bounds is passed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from asl.jsontext import dumps
from asl.payload import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchBounds:
    """What a batch may hold; the bytes are those of the whole input of its child."""

    most_items: int | None
    most_bytes: int | None
    head: dict[str, Json] = field(default_factory=dict)

    def take(self, items: Iterable[Json]) -> list[Json]:
        """Return the next batch of the items: as many as fit, and at least one."""
        batch: list[Json] = []
        size = _size(self.input_of([])) - 1
        for item in items:
            size += _size(item) + 1
            if batch and not self._fits(len(batch) + 1, size):
                break
            batch.append(item)
            if len(batch) == self.most_items:
                break
        return batch

    def _fits(self, items: int, size: int) -> bool:
        if self.most_items is not None and items > self.most_items:
            return False
        return self.most_bytes is None or size <= self.most_bytes

    def input_of(self, batch: list[Json]) -> dict[str, Json]:
        """Return the input of a batch's child."""
        return {**self.head, "Items": batch}


def _size(value: Json) -> int:
    return len(dumps(value).encode())
