"""From the text of a definition to a compiled machine, in one walk.

The walk compiles and checks at once, so that a rule stands in one place: `parse_machine`
raises what the walk found, `asl.validate` returns it, `parse_accepted` does not care.
"""

from __future__ import annotations

from typing import Final

from asl.errors import DefinitionError, PayloadError
from asl.fields import MAX_SECONDS, Fields
from asl.jsonerrors import find_fault
from asl.jsontext import is_storable, loads
from asl.language import Scope
from asl.model import Machine, Region, ResourceKind, State, TaskState
from asl.payload import Json
from asl.report import Code, Report
from asl.states import LANGUAGES, compile_state
from asl.transitions import check_transitions

DEFAULT_LANGUAGE: Final = "JSONPath"
MAX_NESTING: Final = 50
MAX_NAME: Final = 80
_MISSING: Final = "Received a null or empty workflow input."
_MACHINE_FIELDS: Final = frozenset(
    {"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"}
)
_REGION_FIELDS: Final = frozenset({"Comment", "StartAt", "States", "ProcessorConfig"})


def parse_machine(definition_text: str) -> Machine:
    """Compile a definition; raise DefinitionError with everything that is wrong with it."""
    report = Report()
    machine = compile_machine(definition_text, report)
    report.raise_errors()
    if machine is None:
        raise DefinitionError("Invalid State Machine Definition")
    return machine


def parse_accepted(definition_text: str) -> Machine:
    """Compile a definition that was accepted when it was stored.

    An older version may have asked for less than this one. What is found wrong now holds up
    none of the executions that have run on it until now.
    """
    machine = compile_machine(definition_text, Report())
    if machine is None:
        raise DefinitionError("Invalid State Machine Definition")
    return machine


def compile_machine(definition_text: str, report: Report) -> Machine | None:
    """Compile a text, reporting what is wrong; None when there is nothing to compile."""
    definition = read_definition(definition_text, report)
    return None if definition is None else compile_definition(definition, report)


def compile_definition(definition: dict[str, Json], report: Report) -> Machine:
    """Compile a definition that was read, reporting what is wrong."""
    fields = Fields(definition, (), report)
    fields.allow(_MACHINE_FIELDS)
    language = _language(fields, DEFAULT_LANGUAGE)
    compiler = _Compiler(report, language)
    compiler.region(fields, 1)
    fields.text("Version")
    comment = fields.raw("Comment")
    return Machine(
        regions=tuple(compiler.regions),
        timeout_seconds=fields.integer("TimeoutSeconds", 1, MAX_SECONDS),
        comment=comment if isinstance(comment, str) else None,
        query_language=language,
        variable_references=compiler.references,
        activities=_activities(compiler.regions),
    )


def _activities(regions: list[Region]) -> frozenset[str]:
    tasks = (
        state
        for region in regions
        for state in region.states.values()
        if isinstance(state, TaskState)
    )
    return frozenset(
        task.resource.arn
        for task in tasks
        if task.resource.kind is ResourceKind.ACTIVITY
    )


def read_definition(text: str, report: Report) -> dict[str, Json] | None:
    """Read the JSON of a definition; None when it is none, or no object."""
    if not text.strip():
        report.error(_MISSING, (), Code.MISSING_DESCRIPTION)
        return None
    try:
        definition = loads(text)
    except PayloadError as error:
        fault = find_fault(text, str(error))
        report.malformed(fault.message, fault.source, (fault.line, fault.column))
        return None
    if not isinstance(definition, dict):
        report.error("Expected value of type Object", ())
        return None
    return definition


def _language(fields: Fields, default: str) -> str:
    if "QueryLanguage" not in fields:
        return default
    language = fields.choice("QueryLanguage", LANGUAGES)
    if language is None:
        return "JSONata"
    if default == "JSONata" and language != default:
        message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        fields.report.misplaced("QueryLanguage", message, fields.location)
    return language


class _Compiler:
    """Compiles the regions of one machine, depth first."""

    def __init__(self, report: Report, language: str) -> None:
        self.report = report
        self.language = language
        self.regions: list[Region] = []
        self.references: dict[str, list[str]] = {}
        self._names: set[str] = set()
        self._labels: set[str] = set()

    def region(self, fields: Fields, depth: int) -> int:
        """Compile the whole machine, a branch or a processor; return its number."""
        number = len(self.regions)
        self.regions.append(Region(start_at="", states={}))
        if depth > MAX_NESTING:
            message = "States are too deeply nested"
            self.report.error(message, fields.location, Code.TOO_DEEPLY_NESTED)
            return number
        fields.require("States", "StartAt")
        states = fields.object("States")
        compiled = {} if states is None else self._states(states, depth)
        start_at = fields.text("StartAt")
        if states is not None:
            check_transitions(fields, states)
        self.regions[number] = Region(start_at=start_at or "", states=compiled)
        return number

    def _states(self, states: Fields, depth: int) -> dict[str, State]:
        if not states.values:
            self.report.error("Value cannot be empty", states.location)
        compiled: dict[str, State] = {}
        for name in states.values:
            self._check_name(name, states)
            fields = states.object(name)
            state = None if fields is None else self._state(name, fields, depth)
            if state is not None:
                compiled[name] = state
        return compiled

    def _state(self, name: str, fields: Fields, depth: int) -> State | None:
        scope = Scope(name, fields)
        language = _language(fields, self.language)

        def subregion(inner: Fields) -> int:
            inner.allow(_REGION_FIELDS)
            return self.region(inner, depth + 1)

        self._check_label(fields)
        state = compile_state(scope, language, subregion)
        if scope.references:
            self.references[name] = sorted(scope.references)
        return state

    def _check_name(self, name: str, states: Fields) -> None:
        if not 0 < len(name) <= MAX_NAME:
            message = f"State name must have between 1 and {MAX_NAME} characters"
            states.refuse(name, message, Code.INVALID_STATE_NAME)
        if not is_storable(name):
            message = "State name must contain neither NUL nor lone surrogates"
            states.refuse(name, message, Code.INVALID_STATE_NAME)
        if name in self._names:
            message = f"Duplicate State name: {name}"
            states.refuse(name, message, Code.DUPLICATE_STATE_NAME)
        self._names.add(name)

    def _check_label(self, fields: Fields) -> None:
        label = fields.raw("Label")
        if isinstance(label, str) and fields.raw("Type") == "Map":
            if label in self._labels:
                message = f"Duplicate Label name: {label}"
                fields.refuse("Label", message, Code.DUPLICATE_LABEL_NAME)
            self._labels.add(label)
