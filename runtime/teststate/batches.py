"""How a tested Map would cut its items into batches."""

from __future__ import annotations

from asl.distributed import MAX_BATCH_BYTES, MAX_ITEMS
from asl.fields import Fields
from asl.language import Scope
from asl.model import Environment, Seconds
from asl.payload import Json
from asl.report import Report
from asl.states import LANGUAGES
from runtime.batches import BatchBounds
from runtime.teststate.subject import Subject


def cut_batches(
    subject: Subject, items: list[Json], environment: Environment
) -> list[Json] | None:
    """Return the input of each child that an ItemBatcher makes; None without one."""
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
    bounds = BatchBounds(
        most_items=_amount(most_items, environment),
        most_bytes=_amount(most_bytes, environment),
        head=head,
    )
    batches: list[Json] = []
    taken = 0
    while taken < len(items):
        batch = bounds.take(items[index] for index in range(taken, len(items)))
        taken += len(batch)
        batches.append(bounds.input_of(batch))
    return batches


def _amount(read: Seconds | None, environment: Environment) -> int | None:
    return None if read is None else read(environment) or None
