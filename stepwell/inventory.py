"""What a worker has in hand, and the promises it makes about it.

Every poll lists the tokens that the worker has. One that it leaves out it will never
run again: the server relies on that when it gives up an attempt. Hence these rules.

- A token stays in the inventory until the server has answered its report.
- A token in the inventory is not run a second time, however often it is delivered.
- A token that has left the inventory is remembered, and refused.
- The epoch of a shard never goes back: a delivery by an engine that has lost the shard
  is ignored, and not remembered; the engine that holds it now will deliver it again.
"""

import enum
from collections.abc import Iterable

from stepwell.calls import Call
from stepwell.context import Delivery

REMEMBERED_TOKENS = 65_536  # at least half as many, in two generations


class Admission(enum.Enum):
    """What to do with a delivery."""

    NEW = "new"
    DUPLICATE = "duplicate"
    RETIRED = "retired"
    STALE = "stale"


class Inventory:
    """The attempts that a worker runs or has not yet got an answer for."""

    def __init__(self, remembered: int = REMEMBERED_TOKENS) -> None:
        self.running: dict[str, Call] = {}
        self.ended: dict[str, bytes] = {}
        self._retired: set[str] = set()
        self._retired_before: set[str] = set()
        self._generation = max(1, remembered // 2)
        self._epochs: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.running) + len(self.ended)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is running and nothing waits to be reported."""
        return not self.running and not self.ended

    def tokens(self) -> list[str]:
        """All tokens in hand."""
        return [*self.running, *self.ended]

    def judge(self, delivery: Delivery) -> Admission:
        """Decide about a delivery, and note the epoch of its shard."""
        shard, epoch, token = delivery["shard"], delivery["epoch"], delivery["token"]
        if epoch < self._epochs.get(shard, epoch):
            return Admission.STALE
        self._epochs[shard] = epoch
        if token in self.running or token in self.ended:
            return Admission.DUPLICATE
        if token in self._retired or token in self._retired_before:
            return Admission.RETIRED
        return Admission.NEW

    def admit(self, call: Call) -> None:
        """Take an attempt in hand."""
        self.running[call.token] = call

    def end(self, token: str, item: bytes) -> None:
        """Note how an attempt ended; an end after the first is ignored."""
        if self.running.pop(token, None) is not None:
            self.ended[token] = item

    def refuse(self, token: str, item: bytes) -> None:
        """Note what to report for a delivery that is not run."""
        self.ended[token] = item

    def retire(self, tokens: Iterable[str]) -> None:
        """Let go of attempts whose report was answered, or that are handed back."""
        for token in tokens:
            self.running.pop(token, None)
            self.ended.pop(token, None)
            self._retired.add(token)
        if len(self._retired) >= self._generation:
            self._retired, self._retired_before = set(), self._retired
