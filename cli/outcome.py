"""How an execution ended, for a command whose exit status says so."""

from __future__ import annotations

import sys
from typing import Any

from cli.happenings import message_of, stack_of
from cli.names import short_name


def report_outcome(execution: dict[str, Any]) -> int:
    """Print the output to stdout, or the error and cause to stderr; return the status."""
    if execution["status"] == "SUCCEEDED":
        print(execution["output"])
        return 0
    name = short_name(execution["executionArn"])
    error = execution.get("error") or "no error name"
    print(f"{name} {execution['status']}: {error}", file=sys.stderr)
    cause = execution.get("cause") or ""
    for said in (stack_of(cause), message_of(cause)):
        if said:
            print(said, file=sys.stderr)
    return 1
