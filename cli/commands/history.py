"""Show what happened in an execution: one line per event, from first to last."""

from __future__ import annotations

import argparse
import json

from cli.client import Client, add_endpoint_option
from cli.names import execution_arn

_PAGE = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("execution", metavar="ARN", help="its ARN, or MACHINE:NAME")
    parser.add_argument(
        "--json",
        action="store_true",
        help="the events as GetExecutionHistory answers them, one a line",
    )
    add_endpoint_option(parser)


def run(options: argparse.Namespace) -> int:
    """Print the history."""
    from cli.happenings import history_table

    events = Client(options.endpoint).pages(
        "GetExecutionHistory",
        "events",
        executionArn=execution_arn(options.execution),
        maxResults=_PAGE,
        includeExecutionData=True,
    )
    if options.json:
        for event in events:
            print(json.dumps(event))
    else:
        print(history_table(events))
    return 0
