"""The requests that Terraform's AWS provider makes for its three Step Functions resources.

A plan validates the definition; every create and update is followed by a refresh, which
describes the resource, lists its versions and its tags, and compares what it finds; a
destroy describes until the resource is gone. Descriptions that a user left out are sent as
empty texts.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wire.test_executions import TICKING
from tests.wire.test_machines import ARN, PASS, ROLE
from tests.wire.waiting import until_gone

LIVE = f"{ARN}:live"
GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:orders:*"
LOGGING = {
    "level": "ERROR",
    "includeExecutionData": True,
    "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}],
}
SECOND = json.dumps({"Comment": "second", **PASS})


def tags_of(client: Any, arn: str) -> dict[str, str]:
    listed = client.list_tags_for_resource(resourceArn=arn)["tags"]
    return {tag["key"]: tag["value"] for tag in listed}


def planned(client: Any, definition: str) -> None:
    judged = client.validate_state_machine_definition(
        definition=definition, type="STANDARD"
    )
    assert (judged["result"], judged["diagnostics"]) == ("OK", [])


def refreshed(client: Any) -> tuple[Any, list[str]]:
    """Describe the machine, and list its versions, the newest first."""
    described = client.describe_state_machine(stateMachineArn=ARN)
    listed = client.list_state_machine_versions(stateMachineArn=ARN)
    versions = listed["stateMachineVersions"]
    return described, [version["stateMachineVersionArn"] for version in versions]


def machine_applied(client: Any, definition: str = json.dumps(PASS)) -> None:
    planned(client, definition)
    created = client.create_state_machine(
        name="order",
        definition=definition,
        roleArn=ROLE,
        type="STANDARD",
        publish=True,
        versionDescription="",
        loggingConfiguration=LOGGING,
        tracingConfiguration={"enabled": False},
        tags=[{"key": "team", "value": "orders"}],
    )
    assert created["stateMachineArn"] == ARN


def alias_applied(client: Any, versions: dict[str, int]) -> None:
    created = client.create_state_machine_alias(
        name="live", description="", routingConfiguration=routing(versions)
    )
    assert created["stateMachineAliasArn"] == LIVE


def routing(versions: dict[str, int]) -> list[dict[str, object]]:
    return [
        {"stateMachineVersionArn": version, "weight": weight}
        for version, weight in versions.items()
    ]


def test_machine_is_created_as_planned(client: Any) -> None:
    machine_applied(client)

    described, versions = refreshed(client)

    assert (described["status"], described["type"]) == ("ACTIVE", "STANDARD")
    assert (described["definition"], described["roleArn"]) == (json.dumps(PASS), ROLE)
    assert described["loggingConfiguration"] == LOGGING
    assert described["tracingConfiguration"] == {"enabled": False}
    assert described["encryptionConfiguration"] == {"type": "AWS_OWNED_KEY"}
    assert versions == [f"{ARN}:1"]
    assert tags_of(client, ARN) == {"team": "orders"}


def test_machine_is_updated_into_the_next_version(client: Any) -> None:
    machine_applied(client)
    before, _ = refreshed(client)
    planned(client, SECOND)

    client.update_state_machine(
        stateMachineArn=ARN,
        definition=SECOND,
        roleArn=ROLE,
        publish=True,
        versionDescription="second",
        tracingConfiguration={"enabled": True},
    )
    client.tag_resource(resourceArn=ARN, tags=[{"key": "env", "value": "test"}])
    client.untag_resource(resourceArn=ARN, tagKeys=["team"])

    described, versions = refreshed(client)
    assert described["definition"] == SECOND
    assert described["tracingConfiguration"] == {"enabled": True}
    assert described["loggingConfiguration"] == LOGGING
    assert described.get("revisionId") != before.get("revisionId")
    assert versions == [f"{ARN}:2", f"{ARN}:1"]
    assert tags_of(client, ARN) == {"env": "test"}


def test_second_apply_finds_nothing_to_change(client: Any) -> None:
    machine_applied(client)
    alias_applied(client, {f"{ARN}:1": 100})

    found = [
        (
            refreshed(client)[0] | {"ResponseMetadata": None},
            client.describe_state_machine_alias(stateMachineAliasArn=LIVE)
            | {"ResponseMetadata": None},
            tags_of(client, ARN),
        )
        for _ in range(2)
    ]

    assert found[0] == found[1]


def test_alias_is_moved_to_the_next_version(client: Any) -> None:
    machine_applied(client)
    alias_applied(client, {f"{ARN}:1": 100})
    client.update_state_machine(stateMachineArn=ARN, definition=SECOND, publish=True)
    both = routing({f"{ARN}:1": 90, f"{ARN}:2": 10})

    client.update_state_machine_alias(
        stateMachineAliasArn=LIVE, routingConfiguration=both
    )
    client.update_state_machine_alias(stateMachineAliasArn=LIVE, description="canary")

    described = client.describe_state_machine_alias(stateMachineAliasArn=LIVE)
    (listed,) = client.list_state_machine_aliases(stateMachineArn=ARN)[
        "stateMachineAliases"
    ]
    assert described["routingConfiguration"] == both
    assert (described["name"], described["description"]) == ("live", "canary")
    assert listed["stateMachineAliasArn"] == LIVE


def test_everything_is_destroyed(client: Any) -> None:
    machine_applied(client, json.dumps(TICKING))
    alias_applied(client, {f"{ARN}:1": 100})
    client.start_execution(stateMachineArn=LIVE)

    client.delete_state_machine_alias(stateMachineAliasArn=LIVE)
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.describe_state_machine_alias(stateMachineAliasArn=LIVE)
    client.delete_state_machine(stateMachineArn=ARN)

    until_gone(client, ARN)
    assert client.list_state_machines()["stateMachines"] == []


def test_activity_is_created_tagged_and_destroyed(client: Any) -> None:
    tags = [{"key": "team", "value": "orders"}]
    arn = client.create_activity(name="approve", tags=tags)["activityArn"]
    described = client.describe_activity(activityArn=arn)
    client.tag_resource(resourceArn=arn, tags=[{"key": "env", "value": "test"}])
    client.untag_resource(resourceArn=arn, tagKeys=["team"])

    assert described["name"] == "approve"
    assert described["encryptionConfiguration"] == {"type": "AWS_OWNED_KEY"}
    assert tags_of(client, arn) == {"env": "test"}

    client.delete_activity(activityArn=arn)
    with pytest.raises(client.exceptions.ActivityDoesNotExist):
        client.describe_activity(activityArn=arn)
