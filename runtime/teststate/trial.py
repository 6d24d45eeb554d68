"""A test of one state: what goes in, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from asl.model import Entropy
from asl.payload import Json, Payload
from runtime.teststate.inspection import Inspection
from runtime.teststate.mocks import Mock
from runtime.teststate.subject import Subject


class TrialStatus(StrEnum):
    """How a tested state ends."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    RETRIABLE = "RETRIABLE"
    CAUGHT_ERROR = "CAUGHT_ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One state, and everything that it sees."""

    subject: Subject
    input: Payload
    context: dict[str, Json]
    variables: Mapping[str, Json]
    now: datetime
    entropy: Entropy
    mock: Mock | None = None
    retry_count: int = 0
    failed_iterations: int = 0
    reader_data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialResult:
    """How it ended, and what was seen on the way; `variables` are those after the state."""

    status: TrialStatus
    inspection: Inspection
    output: Payload | None = None
    next_state: str | None = None
    error: str | None = None
    cause: str | None = None
    variables: Payload
