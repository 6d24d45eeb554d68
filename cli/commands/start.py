"""Start an execution of a state machine, and print its ARN.

MACHINE is the name or ARN of a machine, or the file of a definition: then the machine named
after the file (JSON or YAML) is created, or updated if the definition has changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from itertools import repeat
from pathlib import Path
from threading import Event
from typing import Final
from uuid import uuid4

from cli.client import Client, Fields, RefusedError, add_endpoint_option
from cli.definitionfile import ENDINGS, DefinitionFile, read_definition, refused_by
from cli.inputs import add_input_option, machine_name, read_input
from cli.names import machine_arn, role_arn, short_name

_LONGEST_PAUSE: Final = 1.0
# Three seconds in all.
_GROWING_PAUSES: Final = (0.02, 0.03, 0.05, 0.1, 0.15, 0.25, 0.4, 0.5, 0.75, 0.75)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("machine", metavar="MACHINE", help="name, ARN or FILE")
    add_input_option(parser)
    parser.add_argument("--name", help="the execution's name (made up)")
    parser.add_argument(
        "--wait",
        action="store_true",
        help="wait for the end and print the output; exit 1 if it failed",
    )
    add_endpoint_option(parser)


def run(options: argparse.Namespace) -> int:
    """Start, and wait if that is wanted."""
    text = read_input(options.input)
    client = Client(options.endpoint)
    started = client.call(
        "StartExecution",
        stateMachineArn=_machine(client, options.machine),
        input=text,
        name=options.name or str(uuid4()),
    )
    if not options.wait:
        print(started["executionArn"])
        return 0
    return _wait(client, started["executionArn"])


def _machine(client: Client, given: str) -> str:
    path = Path(given)
    if given.endswith(ENDINGS) or path.is_file():
        return put_machine(client, machine_name(path), read_definition(given))
    return machine_arn(given)


def put_machine(client: Client, name: str, file: DefinitionFile) -> str:
    """Create a machine, or update the one of that name; return its ARN."""
    definition = file.json or file.require_valid()
    try:
        return _put(client, name, definition)
    except RefusedError as error:
        if error.name == "InvalidDefinition":
            # Our findings say the same with lines and columns.
            refused_by(file.findings())
        raise


def _put(client: Client, name: str, definition: str) -> str:
    try:
        made = client.call(
            "CreateStateMachine",
            name=name,
            definition=definition,
            roleArn=role_arn(),
        )
    except RefusedError as error:
        if error.name != "StateMachineAlreadyExists":
            raise
    else:
        return str(made["stateMachineArn"])
    arn = machine_arn(name)
    client.call("UpdateStateMachine", stateMachineArn=arn, definition=definition)
    return arn


def _wait(client: Client, arn: str) -> int:
    from cli.awaited import say_what_is_awaited
    from cli.outcome import report_outcome

    try:
        execution = _follow(client, arn, _GROWING_PAUSES)
        if execution["status"] == "RUNNING":
            say_what_is_awaited(client, arn)
            execution = _follow(client, arn, repeat(_LONGEST_PAUSE))
    except KeyboardInterrupt:
        name = short_name(arn)
        print(f"{name} goes on: `stepwell history {name}` shows it", file=sys.stderr)
        raise
    return report_outcome(execution)


def _follow(client: Client, arn: str, pauses: Iterable[float]) -> Fields:
    """Return the execution when it has ended, or as it is after the last pause."""
    nobody = Event()
    execution = client.call("DescribeExecution", executionArn=arn)
    for pause in pauses:
        if execution["status"] != "RUNNING":
            break
        nobody.wait(pause)
        execution = client.call("DescribeExecution", executionArn=arn)
    return execution
