"""The command line: finds the module of a command, reads its arguments, runs it.

Only the module of the command that was asked for is loaded, and none of them loads more than
it needs to describe its arguments: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from cli.errors import explained

INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Command:
    """One command; its module has `add_arguments(parser)` and `run(options) -> int`."""

    name: str
    summary: str
    group: str

    @property
    def module(self) -> str:
        """The module that carries the command out."""
        return f"cli.commands.{self.name}"


_BEGIN: Final = "to begin with"
_SERVE: Final = "to serve"
_USE: Final = "to use it (over HTTP)"
_LOOK: Final = "to look after it (in the database)"

COMMANDS: Final = (
    Command(
        "demo", "watch five orders run, through kill -9 of engine and worker", _BEGIN
    ),
    Command("dev", "run everything here: database, engine, API and a worker", _BEGIN),
    Command("run", "run one workflow from a file, once, and print its output", _BEGIN),
    Command("validate", "check definitions, JSON or YAML, and say where", _BEGIN),
    Command("render", "draw a definition, as SVG or for Mermaid", _BEGIN),
    Command("serve", "run the engine and the API", _SERVE),
    Command("worker", "serve the functions of a Python file to workflows", _SERVE),
    Command("migrate", "bring the database to the present schema", _SERVE),
    Command("keys", "make, list and disable access keys", _SERVE),
    Command("start", "start an execution", _USE),
    Command("executions", "list, show, stop or redrive executions", _USE),
    Command("history", "show what happened in an execution", _USE),
    Command("sql", "open a SQL prompt on the log, or run one query", _LOOK),
    Command("verify", "replay logs and compare them with what is stored", _LOOK),
    Command("doctor", "say what is well and what is not", _LOOK),
)
_BY_NAME: Final = {command.name: command for command in COMMANDS}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if words[0] in ("-V", "--version"):
        return _print_version()
    command = _BY_NAME.get(words[0])
    if command is None:
        print(f"stepwell: there is no command {words[0]!r}\n", file=sys.stderr)
        print(_overview(), file=sys.stderr)
        return 2
    return _run(command, words[1:])


def parser_of(command: Command) -> tuple[argparse.ArgumentParser, Any]:
    """Return the parser of a command, and its module."""
    module = import_module(command.module)
    parser = argparse.ArgumentParser(
        prog=f"stepwell {command.name}",
        description=(module.__doc__ or "").strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return parser, module


def _run(command: Command, words: Sequence[str]) -> int:
    parser, module = parser_of(command)
    options = parser.parse_args(words)
    try:
        status: int = module.run(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left; what Python still holds of it is dropped.
        sys.stdout = None
        return 0
    except Exception as error:
        message = explained(error)
        if message is None:
            raise
        print(f"stepwell {command.name}: {message}", file=sys.stderr)
        return int(getattr(error, "status", 1))
    return status


def _overview() -> str:
    lines = ["usage: stepwell COMMAND ...", ""]
    for group in dict.fromkeys(command.group for command in COMMANDS):
        lines.append(f"{group}:")
        lines += [
            f"  {command.name:<12}{command.summary}"
            for command in COMMANDS
            if command.group == group
        ]
        lines.append("")
    lines.append("`stepwell COMMAND --help` says more of each.")
    return "\n".join(lines)


def _print_version() -> int:
    from cli.version import version  # reads the installed packages

    print(f"stepwell {version()}")
    return 0
