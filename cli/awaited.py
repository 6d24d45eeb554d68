"""What an open execution waits for, as far as its history tells: who would take its tasks."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from cli.client import Client, RefusedError
from cli.happenings import details_of, function_of
from cli.names import short_name

_NEWEST: Final = 100


def say_what_is_awaited(client: Client, arn: str) -> None:
    """Say on stderr which functions no worker has taken; nothing where that is none.

    Whoever may start may not always read the history, and then is told nothing.
    """
    with suppress(RefusedError):
        history = client.call(
            "GetExecutionHistory",
            executionArn=arn,
            reverseOrder=True,
            maxResults=_NEWEST,
        )
        names = ", ".join(functions_not_taken(history["events"]))
        if names:
            print(
                f"{short_name(arn)} waits for a worker that serves {names}: is the name"
                " right? `stepwell worker FILE` serves the functions of a file",
                file=sys.stderr,
            )


def functions_not_taken(events: Iterable[dict[str, Any]]) -> list[str]:
    """Return the functions of tasks that were scheduled and that nothing has followed."""
    events = list(events)
    followed = {event["previousEventId"] for event in events}
    return sorted(
        {
            function_of(details_of(event))
            for event in events
            if event["type"].endswith("Scheduled") and event["id"] not in followed
        }
        - {""}
    )
