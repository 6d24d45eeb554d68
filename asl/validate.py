"""Everything that is wrong with a definition, in one pass: what CreateStateMachine refuses.

Errors and the machine come from the same walk (`asl.parse`); this module adds what depends on
the type of machine, and warnings about what is allowed and probably not meant.
"""

from __future__ import annotations

from enum import StrEnum

from asl.express import check_express
from asl.model import Machine
from asl.parse import compile_definition, read_definition
from asl.report import Diagnostic, Report
from asl.suspicions import check_suspicions


class MachineType(StrEnum):
    """The two types of machines."""

    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


def validate(
    definition_text: str, machine_type: MachineType = MachineType.STANDARD
) -> list[Diagnostic]:
    """Return every finding, errors and warnings, in the order of the definition."""
    report = Report()
    _examine(definition_text, machine_type, report)
    return report.diagnostics


def check(
    definition_text: str, machine_type: MachineType = MachineType.STANDARD
) -> Machine:
    """Compile a definition for a type of machine; raise DefinitionError with all its errors."""
    report = Report()
    machine = _examine(definition_text, machine_type, report)
    report.raise_errors()
    assert machine is not None, "a definition without errors compiles"
    return machine


def _examine(text: str, machine_type: MachineType, report: Report) -> Machine | None:
    definition = read_definition(text, report)
    if definition is None:
        return None
    machine = compile_definition(definition, report)
    if machine_type is MachineType.EXPRESS:
        check_express(definition, report)
    check_suspicions(definition, report)
    return machine
