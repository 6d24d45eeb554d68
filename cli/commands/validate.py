"""Check definitions of state machines: everything that CreateStateMachine would refuse, at once.

Files are JSON or YAML (by their ending, or else by their text); `-` is standard input. Every
finding is one line, `FILE:LINE:COLUMN: error CODE: message (at /json/pointer)`. Exits with 1 if
there are errors, with 0 if there are only warnings.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Final

from cli.counts import counted

if TYPE_CHECKING:
    from cli.definitionfile import Finding

_TYPES: Final = ("STANDARD", "EXPRESS")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="a definition; - is standard input"
    )
    parser.add_argument(
        "--type",
        choices=_TYPES,
        default=_TYPES[0],
        help="the type of machine it is for (%(default)s)",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 for warnings, too"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a file, on a line"
    )


def run(options: argparse.Namespace) -> int:
    """Check the files."""
    from asl.validate import MachineType
    from cli.definitionfile import read_definition

    machine_type = MachineType(options.type)
    files = [read_definition(given) for given in options.files]
    found = [(file.name, file.findings(machine_type)) for file in files]
    for name, findings in found:
        _print(name, findings, as_json=options.json)
    everything = [finding for _, findings in found for finding in findings]
    if not options.json:
        print(_summary(len(found), everything), file=sys.stderr)
    return int(any(options.strict or finding.is_error for finding in everything))


def _print(name: str, findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(_answer(name, findings)))
        return
    for finding in findings:
        print(finding)


def _answer(name: str, findings: list[Finding]) -> dict[str, object]:
    """Say it with the words of ValidateStateMachineDefinition, and the place."""
    return {
        "file": name,
        "result": "FAIL" if any(each.is_error for each in findings) else "OK",
        "diagnostics": [
            {
                "severity": each.severity,
                "code": each.code,
                "message": each.message,
                "pointer": each.pointer,
                "line": each.place.line,
                "column": each.place.column,
            }
            for each in findings
        ],
    }


def _summary(files: int, findings: list[Finding]) -> str:
    errors = sum(each.is_error for each in findings)
    warnings = len(findings) - errors
    return (
        f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
        f" in {counted(files, 'file')}"
    )
