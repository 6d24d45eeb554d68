"""State machines: create, update, describe, delete, list, validate."""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

from api import configurations
from api.arns import Arn, parse_arn
from api.context import Api
from api.definitions import check_definition, variable_references
from api.errors import (
    InvalidArn,
    MissingRequiredParameter,
    ServiceQuotaExceededException,
    StateMachineAlreadyExists,
    StateMachineDeleting,
    StateMachineDoesNotExist,
    StateMachineLimitExceeded,
    ValidationException,
)
from api.names import check_name
from api.paging import Page
from api.requests import (
    CreateStateMachine,
    DeleteStateMachine,
    DescribeStateMachine,
    ListStateMachines,
    UpdateStateMachine,
)
from api.routing import read_machine
from api.tags import checked_tags
from api.timestamps import epoch
from api.wire import Response
from storage.machines import (
    Blueprint,
    MachineDeletingError,
    MachineExistsError,
    MachineMissingError,
    MachineRecord,
    RevisionRecord,
    TooManyMachinesError,
)
from storage.versions import Publication, TooManyVersionsError

_ROLE: Final = re.compile(r"arn:[^:\s]+:iam::[0-9]{12}:role/[^\s\x00]+")
_INITIAL_REVISION: Final = 1
_CONFIGURATIONS: Final = {
    "logging_configuration": configurations.logging_configuration,
    "tracing_configuration": configurations.tracing_configuration,
    "encryption_configuration": configurations.encryption_configuration,
}


async def create_state_machine(api: Api, request: CreateStateMachine) -> Response:
    """Make a machine, or return the same one again."""
    arn = api.site.state_machine(check_name(request.name))
    publication = _publication(api, request)
    tags = checked_tags(api, arn, request.tags)
    blueprint = await _blueprint(request)
    now = api.clock.now()
    try:
        machine = await api.machines.create(
            arn, request.type, blueprint, now, publication=publication, tags=tags
        )
    except MachineExistsError:
        msg = f"State Machine Already Exists: '{arn}'"
        raise StateMachineAlreadyExists(msg) from None
    except TooManyMachinesError:
        most = api.limits.state_machines
        msg = f"There may be {most} state machines at most: '{arn}'"
        raise StateMachineLimitExceeded(msg) from None
    except MachineDeletingError:
        refuse_deleting(arn)
    api.cache.forget(arn)
    return {
        "stateMachineArn": machine.arn,
        "creationDate": epoch(machine.created_at),
        **_published(machine),
    }


def _publication(
    api: Api, request: CreateStateMachine | UpdateStateMachine
) -> Publication | None:
    if request.publish:
        most = api.limits.versions_per_machine
        return Publication(request.version_description, most)
    if request.version_description is not None:
        raise ValidationException(
            "Version description can only be set when publish is true"
        )
    return None


def _published(machine: MachineRecord) -> dict[str, Any]:
    if machine.version_arn is None:
        return {}
    return {"stateMachineVersionArn": machine.version_arn}


async def _blueprint(request: CreateStateMachine) -> Blueprint:
    await check_definition(request.definition, request.type)
    completed = {
        name: complete(getattr(request, name))
        for name, complete in _CONFIGURATIONS.items()
    }
    role_arn = checked_role(request.role_arn)
    return Blueprint(definition=request.definition, role_arn=role_arn, **completed)


async def update_state_machine(api: Api, request: UpdateStateMachine) -> Response:
    """Change a machine into a new revision; running executions keep theirs."""
    arn = request.state_machine_arn
    refuse_label(arn)
    changes = _changes(request)
    publication = _publication(api, request)
    if "definition" in changes:
        await check_definition(changes["definition"], await _type_of(api, arn))
    try:
        machine = await api.machines.update(
            arn, api.clock.now(), publication=publication, **changes
        )
    except MachineMissingError:
        refuse_missing(arn)
    except MachineDeletingError:
        refuse_deleting(arn)
    except TooManyVersionsError:
        msg = f"The state machine has as many versions as it may: '{arn}'"
        raise ServiceQuotaExceededException(msg) from None
    api.cache.forget(arn)
    return {
        "updateDate": epoch(machine.updated_at),
        "revisionId": str(machine.revision_id),
        **_published(machine),
    }


async def _type_of(api: Api, arn: str) -> str:
    machine = await api.machines.get(arn)
    if machine is None:
        refuse_missing(arn)
    return machine.type


def _changes(request: UpdateStateMachine) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if request.definition is not None:
        changes["definition"] = request.definition
    if request.role_arn is not None:
        changes["role_arn"] = checked_role(request.role_arn)
    for name, completed in _CONFIGURATIONS.items():
        given = getattr(request, name)
        if given is not None:
            changes[name] = completed(given)
    if not changes:
        raise MissingRequiredParameter(
            "Either the definition, the role ARN, the LoggingConfiguration,"
            " or the TracingConfiguration must be specified"
        )
    return changes


async def describe_state_machine(api: Api, request: DescribeStateMachine) -> Response:
    """Show a machine as it is now, or one of its versions."""
    arn = parse_arn(request.state_machine_arn, "stateMachine")
    refuse_label(arn.text)
    machine = await read_machine(api, arn.text)
    if machine is None:
        refuse_missing(arn.text)
    with_data = request.included_data == "ALL_DATA"
    return {
        "stateMachineArn": arn.text,
        "name": machine.name,
        "status": machine.status,
        "type": machine.type,
        "creationDate": epoch(machine.created_at),
        **await described_revision(machine, with_data=with_data),
        **await _described_version(api, arn),
    }


async def _described_version(api: Api, arn: Arn) -> dict[str, Any]:
    if arn.version is None:
        return {}
    version = await api.versions.get(arn.unqualified, arn.version)
    if version is None:
        return {}
    shown: dict[str, Any] = {"creationDate": epoch(version.created_at)}
    if version.description is not None:
        shown["description"] = version.description
    return shown


async def described_revision(
    revision: MachineRecord | RevisionRecord, *, with_data: bool
) -> dict[str, Any]:
    """Return the members that tell what a revision holds; the first one has no id."""
    shown: dict[str, Any] = {
        "definition": revision.definition if with_data else "",
        "roleArn": revision.role_arn,
        "loggingConfiguration": revision.logging_configuration,
        "tracingConfiguration": revision.tracing_configuration,
        "encryptionConfiguration": revision.encryption_configuration,
    }
    if revision.number != _INITIAL_REVISION:
        shown["revisionId"] = str(revision.revision_id)
    references = await variable_references(revision.definition)
    if references and with_data:
        shown["variableReferences"] = references
    return shown


async def delete_state_machine(api: Api, request: DeleteStateMachine) -> Response:
    """Delete a machine; one that is not there counts as deleted."""
    arn = parse_arn(request.state_machine_arn, "stateMachine")
    refuse_label(arn.text)
    if arn.qualifier is not None:
        raise ValidationException(
            "DeleteStateMachine takes the ARN of a state machine without version or"
            " alias."
        )
    await api.machines.delete(arn.text, api.clock.now())
    api.cache.forget(arn.text)
    return {}


async def list_state_machines(api: Api, request: ListStateMachines) -> Response:
    """List the machines in the order of their ARNs."""
    page = Page(api.pages, request)
    after = page.position if isinstance(page.position, str) else ""
    rows = await api.machines.page(after=after, limit=page.wanted)
    shown, more = page.cut(rows, lambda machine: machine.arn)
    return {
        "stateMachines": [
            {
                "stateMachineArn": machine.arn,
                "name": machine.name,
                "type": machine.type,
                "creationDate": epoch(machine.created_at),
            }
            for machine in shown
        ],
        **more,
    }


def refuse_label(arn: str) -> None:
    """Refuse the ARN of a distributed Map within a machine."""
    if parse_arn(arn, "stateMachine").label is not None:
        raise ValidationException(
            "Labeled state machine ARNs are not supported by this operation",
            reason="API_DOES_NOT_SUPPORT_LABELED_ARNS",
        )


def refuse_missing(arn: str) -> NoReturn:
    """Say that there is no such machine."""
    msg = f"State Machine Does Not Exist: '{arn}'"
    raise StateMachineDoesNotExist(msg)


def refuse_deleting(arn: str) -> NoReturn:
    """Say that the machine is being deleted."""
    msg = f"State Machine is being deleted: '{arn}'"
    raise StateMachineDeleting(msg)


def checked_role(arn: str) -> str:
    """Return the ARN of a role; refuse any other text."""
    if not _ROLE.fullmatch(arn):
        msg = f"Invalid Role Arn: '{arn}'"
        raise InvalidArn(msg)
    return arn
