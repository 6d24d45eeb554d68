"""List executions; show, stop or redrive one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final
from uuid import uuid4

from cli.client import Client, Fields, add_endpoint_option
from cli.names import execution_arn, machine_arn, short_name

STATUSES: Final = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the newest executions")
    listing.add_argument("--machine", help="only of this machine, by name or ARN")
    listing.add_argument("--status", choices=STATUSES, help="only of this status")
    listing.add_argument("--limit", type=int, default=20, metavar="N", help="(20)")
    showing = actions.add_parser("show", help="one execution with input and output")
    stopping = actions.add_parser("stop", help="abort an execution")
    redriving = actions.add_parser(
        "redrive", help="let a failed, stopped or timed-out execution go on"
    )
    for action in (showing, stopping, redriving):
        action.add_argument("execution", metavar="ARN", help="or MACHINE:NAME")
    stopping.add_argument("--error", help="the error it ends with")
    stopping.add_argument("--cause", help="the cause it ends with")
    for action in (listing, showing):
        action.add_argument("--json", action="store_true", help="JSON, not a table")
    for action in (listing, showing, stopping, redriving):
        add_endpoint_option(action)


def run(options: argparse.Namespace) -> int:
    """List, show, stop or redrive."""
    client = Client(options.endpoint)
    if options.action == "list":
        _list(client, options)
    elif options.action == "show":
        _show(client, options)
    elif options.action == "stop":
        _stop(client, options)
    else:
        _redrive(client, options)
    return 0


def _list(client: Client, options: argparse.Namespace) -> None:
    from cli.tables import print_table
    from cli.times import moment

    found = sorted(_found(client, options), key=lambda each: -each["startDate"])
    shown = found[: options.limit]
    if options.json:
        for each in shown:
            print(json.dumps(each))
        return
    print_table(
        ("execution", "status", "started (UTC)", "took"),
        (
            (
                short_name(each["executionArn"]),
                each["status"],
                moment(each["startDate"]),
                _took(each),
            )
            for each in shown
        ),
    )


def _found(client: Client, options: argparse.Namespace) -> Iterator[Fields]:
    """Yield the newest of each machine, as many as are wanted of all."""
    for machine in _machines(client, options.machine):
        pages = client.pages(
            "ListExecutions",
            "executions",
            stateMachineArn=machine,
            statusFilter=options.status,
            maxResults=min(options.limit, 1000),
        )
        yield from islice(pages, options.limit)


def _machines(client: Client, given: str | None) -> list[str]:
    if given is not None:
        return [machine_arn(given)]
    listed = client.pages("ListStateMachines", "stateMachines", maxResults=1000)
    return [each["stateMachineArn"] for each in listed if each["type"] == "STANDARD"]


def _took(execution: Fields) -> str:
    from cli.times import span

    stop = execution.get("stopDate")
    return "" if stop is None else span(stop - execution["startDate"])


def _show(client: Client, options: argparse.Namespace) -> None:
    execution = client.call(
        "DescribeExecution", executionArn=execution_arn(options.execution)
    )
    if options.json:
        print(json.dumps(execution))
        return
    for label, value in _described(execution):
        if value is not None:
            print(f"{label:<10}{value}")


def _described(execution: Fields) -> Iterator[tuple[str, Any]]:
    from cli.happenings import message_of, stack_of
    from cli.times import moment

    cause = execution.get("cause") or ""
    yield "execution", execution["executionArn"]
    yield "machine", execution["stateMachineArn"]
    yield "status", execution["status"]
    yield "started", f"{moment(execution['startDate'])} UTC"
    yield "redriven", _redriven(execution)
    yield "took", _took(execution) or None
    yield "input", execution.get("input")
    yield "output", execution.get("output")
    yield "error", execution.get("error")
    yield "cause", message_of(cause) or None
    yield "at", stack_of(cause).lstrip() or None


def _redriven(execution: Fields) -> str | None:
    """Tell how often, and when last; a redrive that is possible is worth a word, too."""
    from cli.times import moment

    if execution["redriveCount"]:
        times = f"{execution['redriveCount']} x"
        return f"{times}, last {moment(execution['redriveDate'])} UTC"
    if execution.get("redriveStatus") == "REDRIVABLE":
        name = short_name(execution["executionArn"])
        return f"no: stepwell executions redrive {name}"
    return None


def _stop(client: Client, options: argparse.Namespace) -> None:
    arn = execution_arn(options.execution)
    client.call(
        "StopExecution", executionArn=arn, error=options.error, cause=options.cause
    )
    status = _status(client, arn)
    how = "" if status == "ABORTED" else "had ended already: "
    print(f"{short_name(arn)} {how}{status}")


def _redrive(client: Client, options: argparse.Namespace) -> None:
    arn = execution_arn(options.execution)
    client.call("RedriveExecution", executionArn=arn, clientToken=str(uuid4()))
    print(f"{short_name(arn)} was redriven: {_status(client, arn)}")


def _status(client: Client, arn: str) -> str:
    return str(client.call("DescribeExecution", executionArn=arn)["status"])
