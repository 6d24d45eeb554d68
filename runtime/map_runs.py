"""A Map Run: what is true of one, apart from where it is kept.

The children of a distributed Map are executions of their own. The parent's log shows only
that a run began and how it ended, so it stays small however many children there are, and
its fold holds nothing that grows with them. Where a run stands is its *progress*: how many
items have been given to children, and how many children have ended in which way. That is a
row of its own, changed in the transactions that start children and take their ends, so it
is as durable as a log and can be read while the parent sleeps.

Which execution is child number *n* follows from the run's ARN and *n*: to start it twice is
to start it once. Items are given out in order; a batch begins where the one before ended.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from asl.model import ExecutionType
from runtime.execution import Status
from runtime.identity import name_based_uuid
from runtime.limits import DISTRIBUTED_MAP_CONCURRENCY

if TYPE_CHECKING:
    from runtime.execution import Execution

THRESHOLD: Final = "States.ExceedToleratedFailureThreshold"
THRESHOLD_CAUSE: Final = "The specified tolerated failure threshold was exceeded"


def map_run_arn(state_machine_arn: str, label: str, run_id: str) -> str:
    """Return the ARN of a run of a machine; one nested in a child bears the base's name."""
    base, _, _ = state_machine_arn.partition("/")
    return f"{base.replace(':stateMachine:', ':mapRun:', 1)}/{label}:{run_id}"


def default_label(state_machine_arn: str, state: str) -> str:
    """Return the label of a Map that has none: the same for every run of it."""
    return name_based_uuid(f"{state_machine_arn}#{state}")


def map_run_id(arn: str) -> str:
    """Return the id that a run's ARN ends with."""
    return arn.rpartition(":")[2]


def labelled_machine(arn: str) -> str:
    """Return the ARN that the children of a run have as their state machine's."""
    return arn.rpartition(":")[0].replace(":mapRun:", ":stateMachine:", 1)


def child_name(arn: str, index: int) -> str:
    """Return the name of a run's child."""
    return name_based_uuid(f"{arn}#{index}")


def child_arn(arn: str, index: int, execution_type: str) -> str:
    """Return the ARN of a run's child."""
    prefix, name = arn.rpartition(":")[0], child_name(arn, index)
    if execution_type == ExecutionType.EXPRESS:
        return f"{prefix.replace(':mapRun:', ':express:', 1)}:{name}:{name}"
    return f"{prefix.replace(':mapRun:', ':execution:', 1)}:{name}"


@dataclass(frozen=True, slots=True)
class RunError:
    """What a run fails with."""

    error: str | None
    cause: str | None


THRESHOLD_EXCEEDED: Final = RunError(THRESHOLD, THRESHOLD_CAUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnd:
    """What a run is told of a child that has ended; `shard` is the run's."""

    shard: int
    map_run_arn: str
    index: int
    status: Status
    items: int
    output_bytes: int


def child_end(execution: Execution) -> ChildEnd | None:
    """Return what must be told to the run that a closed execution belongs to, if any."""
    child = execution.child_of
    if child is None:
        return None
    output = execution.output
    return ChildEnd(
        shard=child.shard,
        map_run_arn=child.map_run_arn,
        index=child.index,
        status=execution.status,
        items=child.item_count,
        output_bytes=0 if output is None else len(output.text.encode()),
    )


@dataclass(slots=True, kw_only=True)
class Progress:
    """Where a Map Run stands.

    `items_started` is also where the next child's items begin. The counters have the
    statuses in which children have ended.
    """

    items_total: int
    max_concurrency: int
    tolerated_count: int
    tolerated_percentage: float
    items_started: int = 0
    children_started: int = 0
    output_bytes: int = 0
    items: Counter[Status] = field(default_factory=Counter)
    children: Counter[Status] = field(default_factory=Counter)

    def take(
        self, status: Status, children: int, items: int, output_bytes: int
    ) -> None:
        """Count children that have ended."""
        self.children[status] += children
        self.items[status] += items
        if status is Status.SUCCEEDED:
            self.output_bytes += output_bytes

    def begin_again(self) -> None:
        """Forget all children: a redriven run comes to each of them once more."""
        self.items_started = self.children_started = self.output_bytes = 0
        self.items.clear()
        self.children.clear()

    def give(self, items: int) -> None:
        """Count a child that is started."""
        self.children_started += 1
        self.items_started += items

    @property
    def children_open(self) -> int:
        """How many children run."""
        return self.children_started - self.children.total()

    @property
    def has_items(self) -> bool:
        """Whether there are items without a child."""
        return self.items_started < self.items_total

    @property
    def room(self) -> int:
        """How many more children may run at once."""
        most = self.max_concurrency or DISTRIBUTED_MAP_CONCURRENCY
        return max(0, min(most, DISTRIBUTED_MAP_CONCURRENCY) - self.children_open)

    @property
    def is_done(self) -> bool:
        """Whether every item has been given to a child, and every child has ended."""
        return not self.has_items and not self.children_open

    @property
    def has_failed(self) -> bool:
        """Whether more items have failed than are tolerated.

        A bound of zero is one that nobody has set, unless the other is zero too.
        """
        failed = self.items.total() - self.items[Status.SUCCEEDED]
        if not self.tolerated_count and not self.tolerated_percentage:
            return failed > 0
        too_many = 0 < self.tolerated_count < failed
        share = 100 * failed / self.items_total if self.items_total else 0.0
        return too_many or 0 < self.tolerated_percentage < share
