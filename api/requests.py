"""One class per operation: its request, checked against the model, members in snake case.

Nested structures (tags, routing, configurations) stay dictionaries of their known members:
they are stored and given back as they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from asl.payload import Json

Structure: TypeAlias = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateActivity:
    """Make an activity."""

    name: str
    tags: list[dict[str, str]] | None = None
    encryption_configuration: Structure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStateMachine:
    """Make a state machine."""

    name: str
    definition: str
    role_arn: str
    type: str = "STANDARD"
    logging_configuration: Structure | None = None
    tags: list[dict[str, str]] | None = None
    tracing_configuration: Structure | None = None
    publish: bool = False
    version_description: str | None = None
    encryption_configuration: Structure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateStateMachineAlias:
    """Make an alias of one or two versions."""

    name: str
    routing_configuration: list[Structure]
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteActivity:
    """Forget an activity."""

    activity_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteStateMachine:
    """Delete a machine with its versions and aliases."""

    state_machine_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteStateMachineAlias:
    """Delete an alias."""

    state_machine_alias_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteStateMachineVersion:
    """Delete a version."""

    state_machine_version_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeActivity:
    """Show an activity."""

    activity_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeExecution:
    """Show an execution."""

    execution_arn: str
    included_data: str = "ALL_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeMapRun:
    """Show a Map Run."""

    map_run_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStateMachine:
    """Show a machine, a version, or what an alias leads to."""

    state_machine_arn: str
    included_data: str = "ALL_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStateMachineAlias:
    """Show an alias."""

    state_machine_alias_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeStateMachineForExecution:
    """Show the machine as an execution runs it."""

    execution_arn: str
    included_data: str = "ALL_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetActivityTask:
    """Wait for an activity's next task."""

    activity_arn: str
    worker_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetExecutionHistory:
    """Show the events of an execution."""

    execution_arn: str
    max_results: int = 0
    reverse_order: bool = False
    next_token: str | None = None
    include_execution_data: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ListActivities:
    """List the activities."""

    max_results: int = 0
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListExecutions:
    """List the executions of a machine or Map Run."""

    state_machine_arn: str | None = None
    status_filter: str | None = None
    max_results: int = 0
    next_token: str | None = None
    map_run_arn: str | None = None
    redrive_filter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMapRuns:
    """List the Map Runs of an execution."""

    execution_arn: str
    max_results: int = 0
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStateMachineAliases:
    """List the aliases of a machine."""

    state_machine_arn: str
    next_token: str | None = None
    max_results: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStateMachineVersions:
    """List the versions of a machine."""

    state_machine_arn: str
    next_token: str | None = None
    max_results: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListStateMachines:
    """List the machines."""

    max_results: int = 0
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsForResource:
    """Show the tags of a resource."""

    resource_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishStateMachineVersion:
    """Make the current revision a version."""

    state_machine_arn: str
    revision_id: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedriveExecution:
    """Let an execution that ended badly go on."""

    execution_arn: str
    client_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTaskFailure:
    """End a waiting task with an error."""

    task_token: str
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTaskHeartbeat:
    """Tell that a waiting task is alive."""

    task_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTaskSuccess:
    """End a waiting task with its output."""

    task_token: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartExecution:
    """Start an execution."""

    state_machine_arn: str
    name: str | None = None
    input: str = "{}"
    trace_header: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSyncExecution:
    """Run an Express execution to its end."""

    state_machine_arn: str
    name: str | None = None
    input: str = "{}"
    trace_header: str | None = None
    included_data: str = "ALL_DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopExecution:
    """Abort an execution."""

    execution_arn: str
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagResource:
    """Set tags of a resource."""

    resource_arn: str
    tags: list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestState:
    """Try one state."""

    __test__ = False  # no class of tests

    definition: str
    role_arn: str | None = None
    input: str = "{}"
    inspection_level: str = "INFO"
    reveal_secrets: bool = False
    variables: str | None = None
    state_name: str | None = None
    mock: Structure | None = None
    context: str | None = None
    state_configuration: Structure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagResource:
    """Remove tags of a resource."""

    resource_arn: str
    tag_keys: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMapRun:
    """Change what bounds a Map Run."""

    map_run_arn: str
    max_concurrency: int | None = None
    tolerated_failure_percentage: float | None = None
    tolerated_failure_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStateMachine:
    """Change a machine."""

    state_machine_arn: str
    definition: str | None = None
    role_arn: str | None = None
    logging_configuration: Structure | None = None
    tracing_configuration: Structure | None = None
    publish: bool = False
    version_description: str | None = None
    encryption_configuration: Structure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStateMachineAlias:
    """Change an alias."""

    state_machine_alias_arn: str
    description: str | None = None
    routing_configuration: list[Structure] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateStateMachineDefinition:
    """Judge a definition."""

    definition: str
    type: str = "STANDARD"
    severity: str = "ERROR"
    max_results: int = 0
