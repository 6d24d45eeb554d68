"""What a decision may use besides the execution and its machine.

Whatever is not a pure function of the log enters here: the time, chance, the signer of task
tokens, and the free capacity of workers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from asl.model import Entropy
from runtime.limits import DEFAULTS, Limits

if TYPE_CHECKING:
    from runtime.tokens import TokenSigner


def no_worker(_function: str) -> str | None:
    """Claim nothing: every task waits until a worker asks."""
    return None


def every_activity(_arn: str) -> bool:
    """Take every activity to exist."""
    return True


def no_machine(_arn: str) -> bool:
    """Take no machine to be deleted."""
    return False


@dataclass(slots=True, kw_only=True)
class Turn:
    """The outside of one advance.

    `claim(function)` reserves a free slot of a worker that serves the function and names the
    worker's session, or returns None; a reservation whose commit fails is given back by the
    engine. `has_activity(arn)` tells whether an activity exists, `is_deleting(arn)` whether a
    machine is being deleted. `region` is what
    TaskScheduled shows.
    """

    now: datetime
    entropy: Entropy
    signer: TokenSigner
    claim: Callable[[str], str | None] = no_worker
    has_activity: Callable[[str], bool] = every_activity
    is_deleting: Callable[[str], bool] = no_machine
    region: str = "us-east-1"
    limits: Limits = DEFAULTS
