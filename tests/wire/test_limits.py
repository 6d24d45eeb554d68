"""Limits and rates that were configured: refused before anything is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from api.throttle import Rate
from cli.settings import Settings
from runtime.limits import Limits
from storage.access_keys import NewKey
from tests.support.api_server import serve
from tests.support.keys import MASTERS, client_of, make_key
from tests.wire.raw import call
from tests.wire.test_executions import start
from tests.wire.test_express import express, run
from tests.wire.test_machines import ARN, create, error_of
from tests.wire.waiting import closed, eventually

LIMITS = Limits(
    request_bytes=4_096,
    history_events=10,
    express_seconds=1,
    state_machines=1,
    activities=1,
    versions_per_machine=1,
    aliases_per_machine=1,
    tags_per_resource=2,
)
RATE = Rate(operations=("List*",), per_second=0.001, burst=2)
LONG = {
    "StartAt": "S0",
    "States": {
        **{f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(9)},
        "S9": {"Type": "Pass", "End": True},
    },
}
SLOW = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 60, "End": True}}}


@pytest.fixture
def endpoint(clean_database: str) -> Iterator[str]:
    with serve(clean_database, settings=Settings(limits=LIMITS, rates=(RATE,))) as url:
        yield url


def refusal(ask: Callable[..., Any], **members: Any) -> str:
    with pytest.raises(ClientError) as caught:
        ask(**members)
    return error_of(caught)[0]


def test_a_caller_is_throttled_when_the_bucket_is_empty(client: Any) -> None:
    client.list_activities()
    client.list_state_machines()

    assert refusal(client.list_activities) == "ThrottlingException"
    client.create_activity(name="others-go-on")


def test_an_installation_may_not_have_more(client: Any) -> None:
    create(client)
    client.create_activity(name="one")

    refusals = [
        refusal(client.create_activity, name="two"),
        refusal(create, client=client, name="two"),
    ]

    assert refusals == ["ActivityLimitExceeded", "StateMachineLimitExceeded"]
    assert len(client.list_activities()["activities"]) == 1
    assert len(client.list_state_machines()["stateMachines"]) == 1
    assert create(client)["stateMachineArn"] == ARN


def test_every_key_has_a_bucket_of_its_own(clean_database: str) -> None:
    ada, bob = (make_key(clean_database, name) for name in ("admin", "auditor"))
    settings = Settings(rates=(RATE,))
    with (
        serve(clean_database, masters=MASTERS, settings=settings) as url,
        client_of(url, ada) as first,
        client_of(url, bob) as second,
    ):
        first.list_activities()
        first.list_activities()

        assert refusal(first.list_activities) == "ThrottlingException"
        second.list_activities()


def test_a_body_over_the_limit_is_refused(endpoint: str) -> None:
    answer = call(endpoint, "ListActivities", json.dumps({"x": "y" * 5_000}))

    assert answer.status == 413


def test_an_execution_ends_at_the_events_it_may_have(client: Any) -> None:
    arn = start(client, LONG)["executionArn"]

    assert closed(client, arn)["status"] == "FAILED"
    events = client.get_execution_history(executionArn=arn)["events"]
    assert len(events) == 10
    assert "(10)" in events[-1]["executionFailedEventDetails"]["cause"]


def test_an_express_execution_may_not_run_longer(client: Any) -> None:
    express(client, SLOW)

    assert run(client)["status"] == "TIMED_OUT"


def test_resources_may_not_have_more(client: Any) -> None:
    create(client, publish=True)
    tags = [{"key": key, "value": "v"} for key in "abc"]
    definition = json.dumps(SLOW)
    route = [{"stateMachineVersionArn": f"{ARN}:1", "weight": 100}]
    client.create_state_machine_alias(name="one", routingConfiguration=route)

    refusals = [
        refusal(client.tag_resource, resourceArn=ARN, tags=tags),
        refusal(
            client.update_state_machine,
            stateMachineArn=ARN,
            definition=definition,
            publish=True,
        ),
        refusal(
            client.create_state_machine_alias, name="two", routingConfiguration=route
        ),
    ]

    limit = "ServiceQuotaExceededException"
    assert refusals == ["TooManyTags", limit, limit]
    assert client.list_tags_for_resource(resourceArn=ARN)["tags"] == []
    assert (
        "Wait" not in client.describe_state_machine(stateMachineArn=ARN)["definition"]
    )


def test_no_more_executions_are_open_than_may_be(clean_database: str) -> None:
    settings = Settings(limits=Limits(open_executions=2))
    with (
        serve(clean_database, settings=settings) as url,
        client_of(url, NewKey("any", "any")) as client,
    ):
        create(client, definition=json.dumps(SLOW))
        failed = client.start_execution(stateMachineArn=ARN, name="a")["executionArn"]
        client.stop_execution(executionArn=failed)
        client.start_execution(stateMachineArn=ARN, name="b")
        begun = client.start_execution(stateMachineArn=ARN, name="c")

        refusals = [
            refusal(client.start_execution, stateMachineArn=ARN, name="d"),
            refusal(client.redrive_execution, executionArn=failed),
        ]
        again = client.start_execution(stateMachineArn=ARN, name="c")
        client.stop_execution(executionArn=begun["executionArn"])
        client.redrive_execution(executionArn=failed)

        names = {each["name"] for each in listed(client)}
    assert refusals == ["ExecutionLimitExceeded"] * 2
    assert again["executionArn"] == begun["executionArn"]
    assert names == {"a", "b", "c"}


def listed(client: Any) -> Any:
    return client.list_executions(stateMachineArn=ARN)["executions"]


def test_open_executions_of_before_count_after_a_restart(clean_database: str) -> None:
    settings = Settings(limits=Limits(open_executions=1))
    with serve(clean_database) as url, client_of(url, NewKey("any", "any")) as client:
        create(client, definition=json.dumps(SLOW))
        client.start_execution(stateMachineArn=ARN)
    with (
        serve(clean_database, settings=settings) as url,
        client_of(url, NewKey("any", "any")) as client,
    ):
        assert refusal(client.start_execution, stateMachineArn=ARN) == (
            "ExecutionLimitExceeded"
        )


def test_what_ends_in_another_process_makes_room(clean_database: str) -> None:
    settings = Settings(limits=Limits(open_executions=1))
    anybody = NewKey("any", "any")
    with (
        serve(clean_database, settings=settings) as one,
        serve(clean_database, settings=settings) as other,
        client_of(one, anybody) as here,
        client_of(other, anybody) as there,
    ):
        create(here, definition=json.dumps(SLOW))
        for _ in range(6):
            there.stop_execution(executionArn=eventually(lambda: begun(here)))


def begun(client: Any) -> Any:
    """Start an execution; return nothing where that is refused."""
    with suppress(client.exceptions.ExecutionLimitExceeded):
        return client.start_execution(stateMachineArn=ARN)["executionArn"]
    return None
