"""The functions that workers serve while everything around them is killed.

Each notes down that it begins, in a ledger outside the database, before it does anything.
What a function does follows from its attempt, so that a seed repeats it.
"""

import asyncio
import json
import os
import threading
import zlib
from typing import Any

from stepwell import context, task

LEDGER = "STEPWELL_CRASH_LEDGER"


class ShakyError(Exception):
    """The function does not feel like it."""


def note(**more: Any) -> None:
    """Append a line to the ledger: one write, so that lines of several workers stay whole."""
    it = context()
    line = {
        "attempt": it.attempt_id,
        "key": it.idempotency_key,
        "function": it.function_name,
        "execution": it.execution_arn,
        **more,
    }
    ledger = os.open(os.environ[LEDGER], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(ledger, json.dumps(line).encode() + b"\n")
    finally:
        os.close(ledger)


def dice(sides: int) -> int:
    """Throw a die that always falls the same way for this attempt."""
    return zlib.crc32(context().attempt_id.encode()) % sides


def result() -> dict[str, str]:
    """Name the attempt whose result this is."""
    return {"attempt": context().attempt_id}


def pause(seconds: float) -> None:
    """Block this thread."""
    threading.Event().wait(seconds)


@task("steady")
def steady(_: Any) -> dict[str, str]:
    note()
    return result()


@task("shaky")
def shaky(_: Any) -> dict[str, str]:
    note()
    pause(dice(10) / 100)
    if dice(4) == 0:
        raise ShakyError
    return result()


@task("gentle")
async def gentle(_: Any) -> dict[str, str]:
    note()
    await asyncio.sleep(dice(20) / 100)
    return result()


@task("stuck")
def stuck(_: Any) -> dict[str, str]:
    note()
    if dice(3) == 0:
        pause(2)  # longer than the task's TimeoutSeconds
    return result()


@task("beating")
def beating(_: Any) -> dict[str, str]:
    note()
    for _beat in range(5 + dice(5)):
        pause(0.2)
        context().heartbeat()
    return result()


@task("ask")
def ask(_: Any) -> dict[str, str]:
    note(token=context().task_token)
    return result()
