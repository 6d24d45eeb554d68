"""`GET /metrics`, as Prometheus reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from prometheus_client.parser import text_string_to_metric_families

from tests.wire.raw import send, worker
from tests.wire.test_executions import start
from tests.wire.test_express import FAIL, express, run
from tests.wire.test_workers import TASK, poll, report
from tests.wire.waiting import closed, event_of_type

STANDARD = {"machine_type": "STANDARD"}


class Scrape:
    """The samples of one answer."""

    def __init__(self, endpoint: str) -> None:
        answer = send(endpoint, "/metrics", method="GET")
        assert answer.status == 200
        self.samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.body.decode())
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        return self.samples[f"stepwell_{name}", frozenset(labels.items())]


def test_a_standard_execution_shows_in_every_count(endpoint: str, client: Any) -> None:
    arn = start(client, TASK)["executionArn"]
    (task,) = poll(endpoint)["tasks"]
    report(endpoint, {"token": task["token"], "output": 1})
    closed(client, arn)

    found = Scrape(endpoint)

    family = {**STANDARD, "family": "LambdaFunction"}
    assert found("executions_started_total", **STANDARD) == 1
    assert found("executions_closed_total", **STANDARD, status="SUCCEEDED") == 1
    assert found("executions_closed_total", **STANDARD, status="FAILED") == 0
    assert found("transitions_total", **STANDARD) == 1
    assert found("events_total", **STANDARD, event="LambdaFunctionScheduled") == 1
    assert found("task_schedule_to_start_seconds_count", **family) == 1
    assert found("task_start_to_close_seconds_count", **family) == 1
    assert found("commit_events_sum") == 6
    assert found("shards_held") == 64
    assert found("installation_executions_open") == 0


def test_tasks_that_nobody_serves_show_by_function(endpoint: str, client: Any) -> None:
    arn = start(client, TASK)["executionArn"]
    event_of_type(client, arn, "LambdaFunctionScheduled")

    found = Scrape(endpoint)

    assert found("tasks_waiting") == 1
    assert found("installation_tasks_waiting", function="charge") == 1
    assert found("installation_tasks_waiting_oldest_seconds", function="charge") >= 0
    assert found("installation_executions_open") == 1


def test_slots_of_workers_show(endpoint: str) -> None:
    poll(endpoint, free=3, wait=0)

    found = Scrape(endpoint)

    assert found("worker_sessions") == 1
    assert found("worker_slots", state="free") == 3
    assert found("worker_slots", state="used") == 0


def test_express_executions_are_counted_apart(endpoint: str, client: Any) -> None:
    express(client, FAIL)
    run(client)

    found = Scrape(endpoint)

    kind = {"machine_type": "EXPRESS"}
    assert found("executions_started_total", **kind) == 1
    assert found("executions_closed_total", **kind, status="FAILED") == 1
    assert found("executions_started_total", **STANDARD) == 0


def test_requests_are_counted_by_operation_and_outcome(
    endpoint: str, client: Any
) -> None:
    client.list_activities()
    with pytest.raises(ClientError):
        client.describe_activity(activityArn="nonsense")
    send(endpoint, "/", "{}", {"x-amz-target": "AWSStepFunctions.MadeUp"})

    found = Scrape(endpoint)

    assert found("requests_total", operation="ListActivities", outcome="200") == 1
    assert (
        found("requests_total", operation="DescribeActivity", outcome="InvalidArn") == 1
    )
    assert found("request_seconds_count", operation="ListActivities") == 1
    assert "MadeUp" not in json.dumps([str(key) for key in found.samples])


def test_requests_of_workers_are_counted_by_outcome(endpoint: str) -> None:
    worker(endpoint, "poll", {"session": "s", "name": "n", "functions": ["f"]})
    worker(endpoint, "poll", {})

    found = Scrape(endpoint)

    assert found("worker_requests_total", request="poll", outcome="200") == 1
    refused = found(
        "worker_requests_total", request="poll", outcome="SerializationException"
    )
    assert refused == 1


def test_scraper_may_ask_for_openmetrics(endpoint: str) -> None:
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}

    answer = send(endpoint, "/metrics", headers=accept, method="GET")

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.body.endswith(b"# EOF\n")
