"""What DEBUG and TRACE show: the data after each stage of the state's data flow.

Stages tell what they made through the trace of the environment. A stage that the definition
does not mention makes nothing, and yet it is shown: with what came into it. Which stages are
shown depends on the type of the state and on the query language (recorded).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from asl.payload import Payload
from runtime.teststate.subject import Subject

_IN: Final = (("afterInputPath", "InputPath"), ("afterParameters", "Parameters"))
_OUT: Final = (
    ("afterResultSelector", "ResultSelector"),
    ("afterResultPath", "ResultPath"),
)
_ARGUMENTS: Final = (("afterArguments", "Arguments"),)
_NO_STAGES: Final = frozenset[str]()
_WORK: Final = frozenset(name for name, _ in (*_IN, *_OUT))
_RESULT: Final = frozenset(name for name, _ in _OUT)
_SHOWN: Final[dict[str, dict[str, frozenset[str]]]] = {
    "JSONPath": {
        "Task": _WORK,
        "Pass": _WORK,
        "Map": _RESULT | {"afterInputPath", "afterItemsPath"},
        "Parallel": _RESULT,
    },
    "JSONata": {"Task": frozenset({"afterArguments"})},
}
_OTHERS: Final[dict[str, frozenset[str]]] = {
    "JSONPath": frozenset({"afterInputPath"}),
    "JSONata": _NO_STAGES,
}
_SHOWS_RESULT: Final = frozenset({"Task", "Pass"})


@dataclass(slots=True)
class Inspection:
    """The stages by their public names, the numbers of a Map, and who handled an error."""

    subject: Subject
    input: Payload
    stages: dict[str, Payload] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    error_details: dict[str, int] = field(default_factory=dict)

    def trace(self, name: str, made: Payload) -> None:
        """Note what a stage made, if the public service shows it."""
        if name in self._shown():
            self.show(name, made)

    def show(self, name: str, made: Payload) -> None:
        """Note what a stage made; raise StatesError for what cannot be written as JSON."""
        self.stages[name] = Payload.of_text(made.text)

    def show_result(self, result: Payload) -> None:
        """Note the raw result of a Task, or the fixed one of a Pass."""
        if self.subject.kind in _SHOWS_RESULT:
            self.show("result", result)

    def complete_input(self) -> Payload | None:
        """Fill in the stages before the work; None: one of them has failed."""
        if self.subject.language == "JSONata":
            return self._complete(_ARGUMENTS, self.input)
        return self._complete(_IN, self.input)

    def complete_result(self, result: Payload) -> None:
        """Fill in the stages after the work."""
        self._complete(_OUT, result)

    def _complete(
        self, stages: Sequence[tuple[str, str]], given: Payload
    ) -> Payload | None:
        payload = given
        for name, field_name in stages:
            made = self.stages.get(name)
            if made is None and self.subject.mentions(field_name):
                return None
            payload = payload if made is None else made
            self.trace(name, payload)
        return payload

    def _shown(self) -> frozenset[str]:
        language, kind = self.subject.language, self.subject.kind
        return _SHOWN[language].get(kind, _OTHERS[language])
