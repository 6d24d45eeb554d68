"""The state under test: alone, or by its name in a whole definition.

A state that stands alone is compiled as the only one of a machine, so that everything that
CreateStateMachine would refuse about it is refused here; where it leads is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from asl.model import Machine, MapState, ParallelState, Pattern, State, TaskState
from asl.parse import compile_definition, read_definition
from asl.payload import Json
from asl.report import Code, Diagnostic, Report, json_pointer
from asl.transitions import transitions
from asl.walk import Placed, all_states, states, subregions
from runtime.teststate.errors import RefusedTrialError

LONE_NAME: Final = "StateName"
"""What a state is called that stands alone."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The compiled state, its fields as they were written, and its query language."""

    state: State
    fields: dict[str, Json]
    language: str

    @property
    def kind(self) -> str:
        """The state's Type."""
        return str(self.fields["Type"])

    @property
    def is_retriable(self) -> bool:
        """Whether it may have Retry and Catch; these are also the ones that take a mock."""
        return isinstance(self.state, TaskState | MapState | ParallelState)

    @property
    def pattern(self) -> Pattern:
        """How it waits, if it is a Task; any other state waits for nothing else."""
        state = self.state
        if isinstance(state, TaskState):
            return state.resource.pattern
        return Pattern.REQUEST_RESPONSE

    @property
    def waits_for_another(self) -> bool:
        """Whether it is a Task that starts something and waits for its end."""
        return self.pattern is not Pattern.REQUEST_RESPONSE

    @property
    def waits_for_token(self) -> bool:
        """Whether it is a Task that hands out a token and waits for its return."""
        return self.pattern is Pattern.WAIT_FOR_TASK_TOKEN

    def mentions(self, name: str) -> bool:
        """Tell whether a field is given, fixed or by path, and is not the whole document."""
        return self.fields.get(name, "$") != "$" or f"{name}Path" in self.fields

    def inner_states(self) -> frozenset[str]:
        """Return the names of all states inside a Map or Parallel."""
        waiting = [*subregions(Placed(self.state.name, self.fields, ()))]
        found: set[str] = set()
        while waiting:
            for inner in states(waiting.pop()):
                found.add(inner.name)
                waiting.extend(subregions(inner))
        return frozenset(found)


def find_subject(definition_text: str, state_name: str | None) -> Subject:
    """Compile a definition and return its state under test; raise DefinitionError."""
    report = Report()
    definition = read_definition(definition_text, report)
    report.raise_errors()
    assert definition is not None, "a definition without errors was read"
    if state_name is None:
        return _lone(definition, report)
    machine = compile_definition(definition, report)
    report.raise_errors()
    return _named(state_name, machine, definition)


def _lone(fields: dict[str, Json], report: Report) -> Subject:
    wrapped: dict[str, Json] = {"StartAt": LONE_NAME, "States": {LONE_NAME: fields}}
    machine = compile_definition(wrapped, report)
    report.diagnostics = [
        found for found in report.diagnostics if not _is_about_neighbours(found, fields)
    ]
    report.raise_errors()
    return _named(LONE_NAME, machine, wrapped)


def _is_about_neighbours(found: Diagnostic, fields: dict[str, Json]) -> bool:
    """Tell whether a finding is only that the other states are not there."""
    if found.code is Code.MISSING_END_STATE:
        return found.pointer == "/States"
    places = transitions(fields, ("States", LONE_NAME))
    return found.code is Code.MISSING_TRANSITION_TARGET and found.pointer in {
        json_pointer(location) for location, _ in places
    }


def _named(name: str, machine: Machine, definition: dict[str, Json]) -> Subject:
    compiled = [region.states.get(name) for region in machine.regions]
    state = next((state for state in compiled if state is not None), None)
    if state is None:
        msg = f"State '{name}' is not in the definition"
        raise RefusedTrialError(msg)
    fields = next(
        placed.fields for placed in all_states(definition) if placed.name == name
    )
    language = fields.get("QueryLanguage", machine.query_language)
    return Subject(state, fields, str(language))
