"""Versions of a machine: publish, list, delete."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from api.arns import Arn, parse_arn
from api.context import Api
from api.errors import ConflictException, ServiceQuotaExceededException
from api.paging import Page
from api.requests import (
    DeleteStateMachineVersion,
    ListStateMachineVersions,
    PublishStateMachineVersion,
)
from api.shapes import broken_constraint
from api.state_machines import refuse_deleting, refuse_label, refuse_missing
from api.timestamps import epoch
from api.wire import Response
from storage.machines import (
    MachineDeletingError,
    MachineMissingError,
    RevisionChangedError,
)
from storage.versions import (
    Publication,
    TooManyVersionsError,
    VersionInUseError,
    version_arn,
)

_INITIAL: Final = "INITIAL"


async def publish_state_machine_version(
    api: Api, request: PublishStateMachineVersion
) -> Response:
    """Make the present revision a version, or return the version that it is."""
    arn = request.state_machine_arn
    refuse_label(arn)
    wanted = await _wanted_revision(api, request)
    publication = Publication(request.description, api.limits.versions_per_machine)
    try:
        machine = await api.machines.publish(arn, wanted, publication, api.clock.now())
    except MachineMissingError:
        refuse_missing(arn)
    except MachineDeletingError:
        refuse_deleting(arn)
    except TooManyVersionsError:
        raise quota_of_versions(arn) from None
    except RevisionChangedError:
        raise ConflictException(
            "The revision to publish is not the present one of the state machine."
        ) from None
    assert machine.version_arn is not None, "it was published"
    number = parse_arn(machine.version_arn, "stateMachine").version
    version = await api.versions.get(arn, number or 0)
    created = api.clock.now() if version is None else version.created_at
    return {
        "stateMachineVersionArn": machine.version_arn,
        "creationDate": epoch(created),
    }


async def _wanted_revision(
    api: Api, request: PublishStateMachineVersion
) -> UUID | None:
    given = request.revision_id
    if given is None:
        return None
    if given == _INITIAL:
        machine = await api.machines.get(request.state_machine_arn)
        is_initial = machine is not None and machine.number == 1
        return (
            machine.revision_id if machine is not None and is_initial else UUID(int=0)
        )
    try:
        return UUID(given)
    except ValueError:
        raise broken_constraint(
            "revisionId", "Member must be the id of a revision", given
        ) from None


async def list_state_machine_versions(
    api: Api, request: ListStateMachineVersions
) -> Response:
    """List the versions of a machine, the newest first."""
    arn = request.state_machine_arn
    refuse_label(arn)
    page = Page(api.pages, request)
    bound = {"before": page.position} if isinstance(page.position, int) else {}
    rows = await api.versions.page(arn, limit=page.wanted, **bound)
    shown, more = page.cut(rows, lambda version: version.number)
    return {
        "stateMachineVersions": [
            {
                "stateMachineVersionArn": version_arn(arn, version.number),
                "creationDate": epoch(version.created_at),
            }
            for version in shown
        ],
        **more,
    }


async def delete_state_machine_version(
    api: Api, request: DeleteStateMachineVersion
) -> Response:
    """Forget a version; one that is not there counts as deleted."""
    arn = parse_version(request.state_machine_version_arn)
    try:
        await api.versions.delete(arn.unqualified, arn.version or 0)
    except VersionInUseError as error:
        names = ", ".join(error.args[0])
        msg = (
            "Version to be deleted must not be referenced by an alias. Current list of"
            f" aliases referencing this version: [{names}]"
        )
        raise ConflictException(msg) from None
    api.cache.forget(arn.text)
    return {}


def parse_version(text: str) -> Arn:
    """Take the ARN of a version apart."""
    arn = parse_arn(text, "stateMachine")
    if arn.version is None or arn.version >= 2**31:
        raise broken_constraint(
            "stateMachineVersionArn", "Member must be the ARN of a version", text
        )
    return arn


def quota_of_versions(arn: str) -> ServiceQuotaExceededException:
    """Return the error for one version too many."""
    msg = f"The state machine has as many versions as it may: '{arn}'"
    return ServiceQuotaExceededException(msg)
