"""Versions, aliases and tags, as Terraform and deployments use them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.wire.test_machines import ARN, PASS, ROLE, create, error_of
from tests.wire.waiting import closed


def definition(comment: str) -> str:
    return json.dumps({"Comment": comment, **PASS})


@pytest.fixture
def two(client: Any) -> list[str]:
    """The ARNs of a machine's two versions."""
    first = create(client, publish=True, versionDescription="one")
    second = client.update_state_machine(
        stateMachineArn=ARN, definition=definition("2"), publish=True
    )
    return [
        first["stateMachineVersionArn"],
        second["stateMachineVersionArn"],
    ]


def alias(client: Any, name: str, weights: dict[str, int]) -> str:
    routing = [
        {"stateMachineVersionArn": version, "weight": weight}
        for version, weight in weights.items()
    ]
    created = client.create_state_machine_alias(name=name, routingConfiguration=routing)
    arn: str = created["stateMachineAliasArn"]
    return arn


def test_versions_are_numbered_and_described(client: Any, two: list[str]) -> None:
    described = client.describe_state_machine(stateMachineArn=two[0])

    assert two == [f"{ARN}:1", f"{ARN}:2"]
    assert (described["stateMachineArn"], described["description"]) == (two[0], "one")
    assert described["definition"] == json.dumps(PASS)


def test_publishing_a_revision_again_is_the_same_version(
    client: Any, two: list[str]
) -> None:
    again = client.publish_state_machine_version(stateMachineArn=ARN)

    assert again["stateMachineVersionArn"] == two[1]


def test_publishing_another_revision_is_a_conflict(client: Any, two: list[str]) -> None:
    with pytest.raises(ClientError) as caught:
        client.publish_state_machine_version(stateMachineArn=ARN, revisionId="INITIAL")

    assert error_of(caught)[0] == "ConflictException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_number_of_a_deleted_version_is_not_used_again(
    client: Any, two: list[str]
) -> None:
    client.delete_state_machine_version(stateMachineVersionArn=two[1])

    published = client.publish_state_machine_version(stateMachineArn=ARN)

    assert published["stateMachineVersionArn"] == f"{ARN}:3"


def test_execution_of_a_version_runs_it_and_is_listed_under_it(
    client: Any, two: list[str]
) -> None:
    started = client.start_execution(stateMachineArn=two[0], name="n")
    client.start_execution(stateMachineArn=ARN, name="other")

    described = closed(client, started["executionArn"])
    listed = client.list_executions(stateMachineArn=two[0])["executions"]
    machine = client.describe_state_machine_for_execution(
        executionArn=started["executionArn"]
    )
    assert described["stateMachineArn"] == ARN
    assert described["stateMachineVersionArn"] == two[0]
    assert [execution["name"] for execution in listed] == ["n"]
    assert machine["definition"] == json.dumps(PASS)


def test_alias_leads_to_its_versions_by_weight(client: Any, two: list[str]) -> None:
    live = alias(client, "live", {two[0]: 0, two[1]: 100})

    started = client.start_execution(stateMachineArn=live)

    described = closed(client, started["executionArn"])
    assert described["stateMachineAliasArn"] == live
    assert described["stateMachineVersionArn"] == two[1]
    assert len(client.list_executions(stateMachineArn=live)["executions"]) == 1


def test_alias_shows_the_version_that_most_starts_get(
    client: Any, two: list[str]
) -> None:
    live = alias(client, "live", {two[0]: 30, two[1]: 70})
    wanted = client.describe_state_machine(stateMachineArn=two[1])["definition"]

    shown = [client.describe_state_machine(stateMachineArn=live) for _ in range(8)]

    assert {it["definition"] for it in shown} == {wanted}


def test_alias_is_changed_and_described(client: Any, two: list[str]) -> None:
    live = alias(client, "live", {two[0]: 100})
    routing = [
        {"stateMachineVersionArn": two[0], "weight": 90},
        {"stateMachineVersionArn": two[1], "weight": 10},
    ]

    client.update_state_machine_alias(
        stateMachineAliasArn=live, routingConfiguration=routing, description="canary"
    )

    described = client.describe_state_machine_alias(stateMachineAliasArn=live)
    assert (described["name"], described["description"]) == ("live", "canary")
    assert described["routingConfiguration"] == routing


@pytest.mark.parametrize(
    "weights", [{"1": 99}, {"1": 60, "2": 60}], ids=["too few", "too many"]
)
def test_weights_are_a_whole(client: Any, two: list[str], weights: Any) -> None:
    with pytest.raises(ClientError) as caught:
        alias(client, "live", {f"{ARN}:{n}": weight for n, weight in weights.items()})

    assert error_of(caught)[0] == "ValidationException"
    assert caught.value.response["reason"] == "INVALID_ROUTING_CONFIGURATION"


def test_alias_to_a_missing_version_is_refused(client: Any, two: list[str]) -> None:
    with pytest.raises(client.exceptions.ResourceNotFound):
        alias(client, "live", {f"{ARN}:9": 100})


def test_other_alias_of_the_same_name_is_a_conflict(
    client: Any, two: list[str]
) -> None:
    alias(client, "live", {two[0]: 100})

    with pytest.raises(client.exceptions.ConflictException):
        alias(client, "live", {two[1]: 100})


def test_version_of_an_alias_cannot_be_deleted(client: Any, two: list[str]) -> None:
    alias(client, "live", {two[0]: 100})

    with pytest.raises(ClientError) as caught:
        client.delete_state_machine_version(stateMachineVersionArn=two[0])

    code, message = error_of(caught)
    assert code == "ConflictException"
    assert message.endswith("[live]")


def test_deleting_a_machine_deletes_its_versions_and_aliases(
    client: Any, two: list[str]
) -> None:
    live = alias(client, "live", {two[0]: 100})

    client.delete_state_machine(stateMachineArn=ARN)

    with pytest.raises(client.exceptions.ResourceNotFound):
        client.describe_state_machine_alias(stateMachineAliasArn=live)
    with pytest.raises(client.exceptions.StateMachineDoesNotExist):
        client.start_execution(stateMachineArn=two[0])


def test_versions_are_listed_in_pages(client: Any, two: list[str]) -> None:
    first = client.list_state_machine_versions(stateMachineArn=ARN, maxResults=1)
    second = client.list_state_machine_versions(
        stateMachineArn=ARN, maxResults=1, nextToken=first["nextToken"]
    )

    listed = first["stateMachineVersions"] + second["stateMachineVersions"]
    assert [item["stateMachineVersionArn"] for item in listed] == two[::-1]
    assert "nextToken" not in second


def test_tags_come_and_go(client: Any) -> None:
    create(client, tags=[{"key": "team", "value": "orders"}])

    client.tag_resource(resourceArn=ARN, tags=[{"key": "env", "value": "test"}])
    client.untag_resource(resourceArn=ARN, tagKeys=["team", "none"])

    tags = client.list_tags_for_resource(resourceArn=ARN)["tags"]
    assert tags == [{"key": "env", "value": "test"}]


def test_tags_of_a_repeated_create_are_not_applied(client: Any) -> None:
    create(client)

    create(client, tags=[{"key": "a", "value": "b"}])

    assert client.list_tags_for_resource(resourceArn=ARN)["tags"] == []


def test_fifty_tags_are_the_most(client: Any) -> None:
    create(client, tags=[{"key": f"k{n}", "value": ""} for n in range(50)])

    with pytest.raises(client.exceptions.TooManyTags):
        client.tag_resource(resourceArn=ARN, tags=[{"key": "one more", "value": ""}])


def test_tags_end_with_their_machine(client: Any) -> None:
    create(client, tags=[{"key": "a", "value": "b"}])
    client.delete_state_machine(stateMachineArn=ARN)

    create(client)

    assert client.list_tags_for_resource(resourceArn=ARN)["tags"] == []


def test_missing_resource_has_no_tags(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.list_tags_for_resource(resourceArn=ARN)


def test_activity_lives_and_dies(client: Any) -> None:
    created = client.create_activity(name="approve")
    again = client.create_activity(name="approve")

    arn = created["activityArn"]
    described = client.describe_activity(activityArn=arn)
    assert again["creationDate"] == created["creationDate"]
    assert (described["name"], described["activityArn"]) == ("approve", arn)

    client.delete_activity(activityArn=arn)
    client.delete_activity(activityArn=arn)
    with pytest.raises(client.exceptions.ActivityDoesNotExist):
        client.describe_activity(activityArn=arn)
    assert client.list_activities()["activities"] == []


def test_description_without_a_version_is_refused(client: Any) -> None:
    with pytest.raises(client.exceptions.ValidationException):
        create(client, versionDescription="one", roleArn=ROLE)
