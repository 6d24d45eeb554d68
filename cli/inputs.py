"""What is given to a command as a file or a text: definitions and inputs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from cli.errors import UsageError


def add_input_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for an execution's input."""
    parser.add_argument(
        "--input",
        default="{}",
        metavar="JSON",
        help="the input; @FILE reads a file, - standard input (%(default)s)",
    )


def read_input(given: str) -> str:
    """Return the input's JSON text, unchanged; refuse what is no JSON."""
    if given == "-":
        text = sys.stdin.read()
    elif given.startswith("@"):
        text = read_text(Path(given[1:]))
    else:
        text = given
    try:
        json.loads(text)
    except ValueError as error:
        msg = f"the input is no JSON: {error}"
        raise UsageError(msg) from None
    return text


def read_text(path: Path) -> str:
    """Return the text of a file."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
        raise UsageError(msg) from None


def machine_name(path: Path) -> str:
    """Name a machine after its file: orders.asl.json is `orders`."""
    return path.name.partition(".")[0]
