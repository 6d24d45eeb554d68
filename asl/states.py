"""The eight state types: from the fields of a definition to the compiled model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

from asl.distributed import read_distribution
from asl.errors import StatesError
from asl.fields import Fields
from asl.integrations import is_recognized, not_recognized
from asl.jsonata.language import JSONATA_FIELDS, Jsonata
from asl.jsonpath.language import JSONPATH_FIELDS, JsonPath
from asl.language import QueryLanguage, Scope
from asl.model import (
    ChoiceState,
    Environment,
    ExecutionType,
    FailState,
    Leave,
    MapState,
    Outcome,
    ParallelState,
    PassState,
    ProcessorMode,
    Resource,
    ResourceKind,
    State,
    SucceedState,
    TaskState,
    WaitState,
)
from asl.resources import parse_resource
from asl.retries import parse_catchers, parse_retriers

_COMMON: Final = frozenset({"Type", "Comment", "QueryLanguage"})
_STEP: Final = _COMMON | {"Next", "End"}
_WORK: Final = _STEP | {"Retry", "Catch"}
_FIELDS: Final[dict[str, frozenset[str]]] = {
    "Task": _WORK | {"Resource", "TimeoutSeconds", "HeartbeatSeconds", "Credentials"},
    "Parallel": _WORK | {"Branches"},
    "Map": _WORK
    | {
        "ItemProcessor",
        "Iterator",
        "MaxConcurrency",
        "ItemReader",
        "ItemBatcher",
        "ResultWriter",
        "Label",
        "ToleratedFailureCount",
        "ToleratedFailurePercentage",
    },
    "Pass": _STEP,
    "Wait": _STEP | {"Seconds", "Timestamp"},
    "Choice": _COMMON | {"Choices", "Default"},
    "Succeed": _COMMON,
    "Fail": _COMMON | {"Error", "Cause"},
}
Subregion: TypeAlias = Callable[[Fields], int]


@dataclass(frozen=True, slots=True)
class Draft:
    """One state being compiled, and how its nested regions are."""

    scope: Scope
    language: QueryLanguage
    region: Subregion

    @property
    def fields(self) -> Fields:
        """The fields of the state."""
        return self.scope.fields

    @property
    def next(self) -> str | None:
        """The name of the next state; None at an end."""
        return self.fields.text("Next")


LANGUAGES: Final[dict[str, Callable[[Scope], QueryLanguage]]] = {
    "JSONPath": JsonPath,
    "JSONata": Jsonata,
}
_LANGUAGE_FIELDS: Final = {"JSONPath": JSONPATH_FIELDS, "JSONata": JSONATA_FIELDS}


def compile_state(scope: Scope, language: str, region: Subregion) -> State | None:
    """Compile one state; None when its type is unknown."""
    fields = scope.fields
    if not fields.require("Type"):
        return None
    kind = fields.choice("Type", _COMPILERS)
    if kind is None:
        return None
    compiler = _COMPILERS[kind]
    draft = Draft(scope, LANGUAGES[language](scope), region)
    own = {name: table[kind] for name, table in _LANGUAGE_FIELDS.items()}
    fields.allow_in(language, _FIELDS[kind], own)
    if "Next" in _FIELDS[kind]:
        _check_transition(fields)
    return compiler(draft)


def _check_transition(fields: Fields) -> None:
    is_end = fields.flag("End") is True
    if ("Next" in fields) == is_end:
        message = "Exactly one of these fields is required: [Next, End]"
        fields.report.error(message, fields.location)


def _task(draft: Draft) -> State:
    fields, language = draft.fields, draft.language
    fields.require("Resource")
    _check_heartbeat(fields)
    return TaskState(
        name=draft.scope.name,
        next=draft.next,
        resource=_resource(fields),
        arguments=language.arguments(),
        timeout_seconds=language.seconds("TimeoutSeconds"),
        heartbeat_seconds=language.seconds("HeartbeatSeconds"),
        credentials=language.credentials(),
        leave=language.leave(),
        retriers=parse_retriers(fields),
        catchers=parse_catchers(fields, language),
    )


def _check_heartbeat(fields: Fields) -> None:
    timeout, heartbeat = fields.raw("TimeoutSeconds"), fields.raw("HeartbeatSeconds")
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        message = "HeartbeatSeconds must be smaller than TimeoutSeconds"
        fields.refuse("HeartbeatSeconds", message)


def _resource(fields: Fields) -> Resource:
    arn = fields.text("Resource")
    if arn is None:
        return Resource("", ResourceKind.SERVICE)
    resource = parse_resource(arn)
    if resource is None:
        fields.refuse("Resource", "Value is not a valid resource ARN")
        return Resource(arn, ResourceKind.SERVICE)
    if not is_recognized(resource):
        fields.refuse("Resource", not_recognized(arn))
    return resource


def _pass(draft: Draft) -> State:
    return PassState(
        name=draft.scope.name, next=draft.next, leave=draft.language.leave_pass()
    )


def _wait(draft: Draft) -> State:
    return WaitState(
        name=draft.scope.name,
        next=draft.next,
        due=draft.language.due(),
        leave=draft.language.leave_plain(),
    )


def _succeed(draft: Draft) -> State:
    return SucceedState(name=draft.scope.name, leave=draft.language.leave_plain())


def _fail(draft: Draft) -> State:
    return FailState(name=draft.scope.name, failure=draft.language.failure())


def _choice(draft: Draft) -> State:
    fields, language = draft.fields, draft.language
    fields.require("Choices")
    if fields.raw("Choices") == []:
        fields.refuse("Choices", "Value cannot be empty")
    rules = []
    for rule in fields.objects("Choices"):
        rule.require("Next")
        target = rule.text("Next") or ""
        rules.append((language.condition(rule), target, language.leave_choice(rule)))
    default, leave = fields.text("Default"), language.leave_choice(None)

    def choose(environment: Environment) -> tuple[str, Outcome]:
        for condition, target, rule_leave in rules:
            if condition(environment):
                return target, rule_leave(environment)
        return _choose_default(environment, default, leave)

    return ChoiceState(name=draft.scope.name, choose=choose)


def _choose_default(
    environment: Environment, default: str | None, leave: Leave
) -> tuple[str, Outcome]:
    if default is None:
        cause = "Failed to transition out of the state. The state does not point to a next state."
        raise StatesError("States.Runtime", cause)
    return default, leave(environment)


def _parallel(draft: Draft) -> State:
    fields, language = draft.fields, draft.language
    fields.require("Branches")
    if fields.raw("Branches") == []:
        fields.refuse("Branches", "Value cannot be empty")
    return ParallelState(
        name=draft.scope.name,
        next=draft.next,
        branches=tuple(draft.region(branch) for branch in fields.objects("Branches")),
        arguments=language.arguments(),
        leave=language.leave(),
        retriers=parse_retriers(fields),
        catchers=parse_catchers(fields, language),
    )


def _map(draft: Draft) -> State:
    fields, language = draft.fields, draft.language
    processor = _processor(fields)
    mode, execution_type = _processor_config(processor)
    return MapState(
        name=draft.scope.name,
        next=draft.next,
        processor=-1 if processor is None else draft.region(processor),
        mode=mode,
        items=language.items(),
        item_input=language.item_input(),
        max_concurrency=language.max_concurrency(),
        tolerance=language.tolerance(),
        leave=language.leave(),
        distribution=read_distribution(fields, mode, execution_type, language),
        retriers=parse_retriers(fields),
        catchers=parse_catchers(fields, language),
    )


def _processor(fields: Fields) -> Fields | None:
    fields.exclusive("ItemProcessor", "Iterator")
    if "Iterator" in fields:
        return fields.object("Iterator")
    fields.require("ItemProcessor")
    return fields.object("ItemProcessor")


def _processor_config(
    processor: Fields | None,
) -> tuple[ProcessorMode, ExecutionType]:
    config = None if processor is None else processor.object("ProcessorConfig")
    if config is None:
        return ProcessorMode.INLINE, ExecutionType.STANDARD
    config.allow({"Mode", "ExecutionType", "Comment"})
    mode = config.choice("Mode", ("INLINE", "DISTRIBUTED"))
    kind = config.choice("ExecutionType", ("STANDARD", "EXPRESS"))
    return (
        ProcessorMode(mode or ProcessorMode.INLINE),
        ExecutionType(kind or ExecutionType.STANDARD),
    )


_COMPILERS: Final[dict[str, Callable[[Draft], State]]] = cast(
    "dict[str, Callable[[Draft], State]]",
    {
        "Task": _task,
        "Pass": _pass,
        "Choice": _choice,
        "Wait": _wait,
        "Succeed": _succeed,
        "Fail": _fail,
        "Parallel": _parallel,
        "Map": _map,
    },
)
