"""Aliases of a machine: create, update, describe, list, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from api.arns import Arn, parse_arn
from api.context import Api
from api.errors import (
    ConflictException,
    ResourceNotFound,
    ServiceQuotaExceededException,
    ValidationException,
)
from api.paging import Page
from api.requests import (
    CreateStateMachineAlias,
    DeleteStateMachineAlias,
    DescribeStateMachineAlias,
    ListStateMachineAliases,
    Structure,
    UpdateStateMachineAlias,
)
from api.state_machines import refuse_deleting, refuse_missing
from api.timestamps import epoch
from api.versions import parse_version
from api.wire import Response
from storage.aliases import (
    AliasExistsError,
    AliasMissingError,
    AliasRecord,
    AliasTargetMissingError,
    TooManyAliasesError,
)
from storage.versions import version_arn

_WHOLE: Final = 100
_ROUTING: Final = "INVALID_ROUTING_CONFIGURATION"


async def create_state_machine_alias(
    api: Api, request: CreateStateMachineAlias
) -> Response:
    """Make an alias, or return the same one again."""
    machine_arn, routing = _routing(request.routing_configuration)
    machine = await api.machines.get(machine_arn)
    if machine is None:
        raise _missing(machine_arn)
    if machine.is_deleting:
        refuse_deleting(machine_arn)
    try:
        alias = await api.aliases.create(
            machine_arn, request.name, request.description, routing, api.clock.now()
        )
    except AliasExistsError as error:
        msg = f"State Machine Alias already exists: '{error.args[0]}'"
        raise ConflictException(msg) from None
    except AliasTargetMissingError as error:
        raise _missing(version_arn(machine_arn, error.args[0])) from None
    except TooManyAliasesError:
        msg = f"The state machine has as many aliases as it may: '{machine_arn}'"
        raise ServiceQuotaExceededException(msg) from None
    return {"stateMachineAliasArn": alias.arn, "creationDate": epoch(alias.created_at)}


async def update_state_machine_alias(
    api: Api, request: UpdateStateMachineAlias
) -> Response:
    """Change what is given of an alias."""
    arn = _parse_alias(request.state_machine_alias_arn)
    routing = _new_routing(arn, request)
    now = api.clock.now()
    try:
        await api.aliases.update(arn.text, request.description, routing, now)
    except AliasMissingError:
        raise _missing(arn.text) from None
    except AliasTargetMissingError as error:
        raise _missing(version_arn(arn.unqualified, error.args[0])) from None
    return {"updateDate": epoch(now)}


def _new_routing(arn: Arn, request: UpdateStateMachineAlias) -> dict[str, int] | None:
    if request.routing_configuration is None:
        if request.description is None:
            raise ValidationException(
                "Either the description or the routing configuration must be specified",
                reason="MISSING_REQUIRED_PARAMETER",
            )
        return None
    machine_arn, routing = _routing(request.routing_configuration)
    if machine_arn != arn.unqualified:
        raise _refused("All versions must be of the alias's state machine")
    return routing


async def describe_state_machine_alias(
    api: Api, request: DescribeStateMachineAlias
) -> Response:
    """Show an alias."""
    arn = _parse_alias(request.state_machine_alias_arn)
    alias = await api.aliases.get(arn.text)
    if alias is None:
        raise _missing(arn.text)
    shown: dict[str, Any] = {
        "stateMachineAliasArn": alias.arn,
        "name": alias.name,
        "routingConfiguration": [
            {
                "stateMachineVersionArn": version_arn(
                    alias.state_machine_arn, int(number)
                ),
                "weight": weight,
            }
            for number, weight in alias.routing.items()
        ],
        "creationDate": epoch(alias.created_at),
        "updateDate": epoch(alias.updated_at),
    }
    if alias.description is not None:
        shown["description"] = alias.description
    return shown


async def list_state_machine_aliases(
    api: Api, request: ListStateMachineAliases
) -> Response:
    """List the aliases of a machine, or of one of its versions, by name."""
    arn = await _listed(api, request.state_machine_arn)
    page = Page(api.pages, request)
    after = page.position if isinstance(page.position, str) else ""
    rows = await api.aliases.page(
        arn.unqualified, version=arn.version, after=after, limit=page.wanted
    )
    shown, more = page.cut(rows, lambda alias: alias.name)
    return {"stateMachineAliases": [_item(alias) for alias in shown], **more}


async def _listed(api: Api, text: str) -> Arn:
    """Take the ARN of a machine or version apart, both of which are there."""
    arn = parse_arn(text, "stateMachine")
    machine = await api.machines.get(arn.unqualified)
    if machine is None:
        refuse_missing(arn.text)
    if machine.is_deleting:
        refuse_deleting(arn.text)
    if arn.qualifier is not None and await api.finder(text) is None:
        raise _missing(text)
    return arn


def _item(alias: AliasRecord) -> dict[str, Any]:
    return {"stateMachineAliasArn": alias.arn, "creationDate": epoch(alias.created_at)}


async def delete_state_machine_alias(
    api: Api, request: DeleteStateMachineAlias
) -> Response:
    """Forget an alias; one that is not there counts as deleted."""
    await api.aliases.delete(_parse_alias(request.state_machine_alias_arn).text)
    return {}


def _routing(items: Sequence[Structure]) -> tuple[str, dict[str, int]]:
    """Return whose versions they are, and their numbers with their weights."""
    versions = [parse_version(str(item["stateMachineVersionArn"])) for item in items]
    routing = {
        str(version.version): int(str(item["weight"]))
        for version, item in zip(versions, items, strict=True)
    }
    if len(routing) != len(items):
        raise _refused("The versions of a routing configuration must differ")
    if sum(routing.values()) != _WHOLE:
        raise _refused("Sum of routing configuration weights must equal 100")
    machines = {version.unqualified for version in versions}
    if len(machines) != 1:
        raise _refused("All versions must be of one state machine")
    return machines.pop(), routing


def _refused(reason: str) -> ValidationException:
    return ValidationException(reason, reason=_ROUTING)


def _parse_alias(text: str) -> Arn:
    arn = parse_arn(text, "stateMachine")
    if arn.qualifier is None or arn.version is not None:
        raise ValidationException("The ARN must be that of an alias")
    return arn


def _missing(arn: str) -> ResourceNotFound:
    return ResourceNotFound(f"Resource not found: '{arn}'", resourceName=arn)
