"""The data flow of one state in JSONPath mode, stage by stage.

    input -> InputPath -> Parameters -> (work) -> ResultSelector -> ResultPath -> OutputPath

A stage that the definition does not mention is None and costs nothing: a state without any
hands on the very payload it received. Nothing here changes a value in place; ResultPath
copies the objects along its path and shares the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from asl.assignments import check_names
from asl.errors import StatesError
from asl.fields import Fields
from asl.jsonpath.path import (
    NOT_A_REFERENCE_PATH,
    Path,
    PathMiss,
    PathSyntaxError,
    Root,
    Step,
    compile_path,
    compile_reference_path,
)
from asl.jsonpath.template import (
    DYNAMIC,
    Stage,
    compile_template,
    payload_stage,
    reference,
)
from asl.jsontext import dumps
from asl.language import Scope
from asl.model import Environment
from asl.payload import EMPTY_OBJECT_TEXT, Json, Payload

Combine: TypeAlias = Callable[[Payload, Payload], Payload]
Assign: TypeAlias = Callable[[Environment, Payload], dict[str, Json]]


@dataclass(frozen=True, slots=True)
class DataFlow:
    """The stages of one state; None is the identity."""

    input_path: Stage | None
    parameters: Stage | None
    result_selector: Stage | None
    result_path: Combine | None
    output_path: Stage | None
    assign: Assign | None

    @property
    def keeps_result(self) -> bool:
        """Whether a state's output is its very result, and nothing is assigned."""
        stages = (self.result_selector, self.result_path, self.output_path, self.assign)
        return all(stage is None for stage in stages)

    def effective(self, environment: Environment) -> Payload:
        """Apply InputPath to the state's input."""
        return _apply(self.input_path, "afterInputPath", environment, environment.input)

    def arguments(self, environment: Environment) -> Payload:
        """Apply InputPath and Parameters."""
        payload = self.effective(environment)
        return _apply(self.parameters, "afterParameters", environment, payload)

    def selected(self, environment: Environment, result: Payload) -> Payload:
        """Apply ResultSelector to a result."""
        return _apply(self.result_selector, "afterResultSelector", environment, result)

    def output(self, environment: Environment, result: Payload) -> Payload:
        """Combine a result with the state's input, and apply OutputPath."""
        combine = self.result_path
        combined = result if combine is None else combine(environment.input, result)
        if environment.trace is not None:
            environment.trace("afterResultPath", combined)
        return _apply(self.output_path, "afterOutputPath", environment, combined)


def _apply(
    stage: Stage | None, name: str, environment: Environment, payload: Payload
) -> Payload:
    if stage is None:
        return payload
    made = stage(environment, payload)
    if environment.trace is not None:
        environment.trace(name, made)
    return made


def compile_flow(scope: Scope) -> DataFlow:
    """Compile the stages that a state's fields mention."""
    fields = scope.fields
    return DataFlow(
        input_path=path_stage(fields, "InputPath", scope),
        parameters=template_stage(fields, "Parameters", scope),
        result_selector=template_stage(fields, "ResultSelector", scope),
        result_path=combine_stage(fields),
        output_path=path_stage(fields, "OutputPath", scope),
        assign=assign_stage(fields, scope),
    )


def path_stage(fields: Fields, name: str, scope: Scope) -> Stage | None:
    """Compile InputPath or OutputPath; null means an empty object."""
    if name not in fields:
        return None
    if fields.raw(name) is None:
        return lambda _environment, _payload: Payload(EMPTY_OBJECT_TEXT, {})
    path = field_path(fields, name, scope)
    if path is None or path.is_document:
        return None
    return _read_stage(path)


def field_path(
    fields: Fields,
    name: str,
    scope: Scope,
    compiler: Callable[[str], Path] = compile_path,
) -> Path | None:
    """Compile a field that holds a path; None when it is absent or wrong."""
    text = fields.text(name)
    if text is None:
        return None
    try:
        return reference(compiler(text), scope)
    except PathSyntaxError as error:
        fields.refuse(name, str(error))
        return None


def _read_stage(path: Path) -> Stage:
    read = path.read

    def apply(environment: Environment, payload: Payload) -> Payload:
        try:
            return Payload.of_value(read(environment, payload))
        except PathMiss as miss:
            raise invalid_path(path, miss) from None

    return apply


def invalid_path(path: Path, miss: PathMiss) -> StatesError:
    """Word the failure of a path that stands in a field of its own."""
    return StatesError("States.Runtime", f"Invalid path '{path.text}' : {miss}")


def template_stage(fields: Fields, name: str, scope: Scope) -> Stage | None:
    """Compile Parameters, ResultSelector or ItemSelector."""
    value = fields.raw(name)
    if name not in fields:
        return None
    return payload_stage(compile_template(value, fields.at(name), scope))


def assign_stage(fields: Fields, scope: Scope) -> Assign | None:
    """Compile Assign: a template whose fields are variables."""
    assign = fields.object("Assign")
    if assign is None:
        return None
    check_names(assign, DYNAMIC)
    template = compile_template(assign.values, assign.location, scope)
    read, constant = template.read, assign.values
    if read is None:
        return lambda _environment, _payload: dict(constant)

    def apply(environment: Environment, payload: Payload) -> dict[str, Json]:
        assigned = read(environment, payload)
        assert isinstance(assigned, dict)
        return assigned

    return apply


def combine_stage(fields: Fields) -> Combine | None:
    """Compile ResultPath; null drops the result."""
    if "ResultPath" not in fields:
        return None
    if fields.raw("ResultPath") is None:
        return lambda payload, _result: payload
    steps = _result_steps(fields)
    if not steps:
        return None

    def combine(payload: Payload, result: Payload) -> Payload:
        return Payload.of_value(put(payload.value, steps, result.value))

    return combine


def _result_steps(fields: Fields) -> tuple[Step, ...]:
    text = fields.text("ResultPath")
    if text is None:
        return ()
    try:
        path = compile_reference_path(text)
    except PathSyntaxError as error:
        fields.refuse("ResultPath", str(error))
        return ()
    if path.root is not Root.DOCUMENT:
        fields.refuse("ResultPath", NOT_A_REFERENCE_PATH)
    return path.steps or ()


def put(document: Json, steps: tuple[Step, ...], value: Json) -> Json:
    """Return a copy of a document with a value at a path; only the path is copied."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        if not isinstance(document, dict):
            raise _no_place(step, document)
        changed = document.copy()
        changed[step] = put(document.get(step, {}), rest, value) if rest else value
        return changed
    if not isinstance(document, list) or not -len(document) <= step < len(document):
        raise _no_place(step, document)
    items = document.copy()
    items[step] = put(document[step], rest, value)
    return items


def _no_place(step: Step, document: Json) -> StatesError:
    cause = f'Unable to apply step "{step}" to input {dumps(document)}'
    return StatesError("States.ResultPathMatchFailure", cause)
