"""How a tested Map would cut its items into batches."""

from __future__ import annotations

from asl.distributed import MAX_BATCH_BYTES, MAX_ITEMS
from asl.fields import Fields
from asl.jsontext import dumps
from asl.language import Scope
from asl.model import Environment, Seconds
from asl.payload import Json
from asl.report import Report
from asl.states import LANGUAGES
from runtime.teststate.subject import Subject


def cut_batches(
    subject: Subject, items: list[Json], environment: Environment
) -> list[Json] | None:
    """Return the input of each child that an ItemBatcher makes; None without one.

    A batch takes items as long as neither of the bounds is passed, and at least one.
    """
    batcher = subject.fields.get("ItemBatcher")
    if not isinstance(batcher, dict):
        return None
    fields = Fields(batcher, ("ItemBatcher",), Report())
    scope = Scope(subject.state.name, Fields(subject.fields, (), Report()))
    language = LANGUAGES[subject.language](scope)
    most_items = language.amount(fields, "MaxItemsPerBatch", MAX_ITEMS)
    most_bytes = language.amount(fields, "MaxInputBytesPerBatch", MAX_BATCH_BYTES)
    batch_input = language.payload(fields, "BatchInput")
    head: dict[str, Json] = {}
    if batch_input is not None:
        head["BatchInput"] = batch_input(environment).value
    bound = _Bound(
        _amount(most_items, environment), _amount(most_bytes, environment), head
    )
    return bound.cut(items)


def _amount(read: Seconds | None, environment: Environment) -> int | None:
    return None if read is None else read(environment)


class _Bound:
    """What a batch may hold."""

    def __init__(
        self, most_items: int | None, most_bytes: int | None, head: dict[str, Json]
    ) -> None:
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._head = head
        self._empty_bytes = _size({**head, "Items": []})

    def cut(self, items: list[Json]) -> list[Json]:
        """Fill batch after batch."""
        batches: list[list[Json]] = []
        size = 0
        for item in items:
            added = _size(item) + 1
            if batches and self._fits(len(batches[-1]) + 1, size + added - 1):
                batches[-1].append(item)
                size += added
            else:
                batches.append([item])
                size = self._empty_bytes + added
        return [{**self._head, "Items": batch} for batch in batches]

    def _fits(self, items: int, size: int) -> bool:
        if self._most_items is not None and items > self._most_items:
            return False
        return self._most_bytes is None or size <= self._most_bytes


def _size(value: Json) -> int:
    return len(dumps(value).encode())
