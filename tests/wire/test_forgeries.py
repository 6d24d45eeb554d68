"""Task tokens and page tokens that were not made here, not for this, or not for now."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError

from api.callbacks import MASK
from runtime.tokens import TokenSigner
from storage.database import connect
from storage.server_keys import ServerKeyRegister
from tests.support.api_server import serve
from tests.support.databases import DatabaseServer
from tests.support.keys import MASTERS, client_of, make_key
from tests.support.sdk_worker import serving_function
from tests.wire.waiting import closed, event_of_type

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
APPROVAL = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "Parameters": {
        "FunctionName": "ask",
        "Payload": {"link.$": "States.Format('https://x/?t={}&u=1', $$.Task.Token)"},
    },
    "End": True,
}
MACHINE = json.dumps({"StartAt": "Approval", "States": {"Approval": APPROVAL}})


class Place:
    """A server with keys, and a machine whose executions wait for an answer."""

    def __init__(self, url: str, endpoint: str, stack: ExitStack) -> None:
        with connect(url) as connection:
            keys = ServerKeyRegister(connection).all()
        self.server_keys = {key.key_id: key.opened(MASTERS) for key in keys}
        self.signer = TokenSigner(self.server_keys, ACCOUNT)
        self.admin, self.approver, self.auditor = (
            stack.enter_context(
                client_of(endpoint, make_key(url, preset), max_pool_connections=20)
            )
            for preset in ("admin", "approver", "auditor")
        )
        self.machine: str = self.admin.create_state_machine(
            name="approvals", definition=MACHINE, roleArn=ROLE
        )["stateMachineArn"]

    def start(self) -> tuple[str, str]:
        """Start an execution; return its ARN, and the token it waits for."""
        arn = self.admin.start_execution(stateMachineArn=self.machine)["executionArn"]
        event_of_type(self.admin, arn, "TaskSubmitted")
        scheduled = event_of_type(self.admin, arn, "TaskScheduled")
        parameters = json.loads(scheduled["taskScheduledEventDetails"]["parameters"])
        return arn, parameters["Payload"]["link"][len("https://x/?t=") : -len("&u=1")]

    def refusal(self, token: str) -> str:
        """Answer a task with a token that must not be accepted; return the error."""
        with pytest.raises(ClientError) as refused:
            self.admin.send_task_success(taskToken=token, output="{}")
        code: str = refused.value.response["Error"]["Code"]
        return code


@pytest.fixture(scope="module")
def place(database_server: DatabaseServer) -> Iterator[Place]:
    with (
        database_server.clone() as url,
        serve(url, masters=MASTERS) as endpoint,
        ExitStack() as stack,
    ):
        worker = serving_function(endpoint, make_key(url, "worker"), "ask", ask)
        stack.enter_context(worker)
        yield Place(url, endpoint, stack)


def ask(event: object) -> object:
    return event


def raw_of(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def spelled(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def flipped(token: str) -> Iterator[str]:
    """Yield a token with each of its bits flipped."""
    raw = raw_of(token)
    for bit in range(len(raw) * 8):
        forged = bytearray(raw)
        forged[bit // 8] ^= 1 << bit % 8
        yield spelled(bytes(forged))


# Task tokens


def test_no_flipped_bit_answers_a_task(place: Place) -> None:
    arn, token = place.start()

    with ThreadPoolExecutor(4) as threads:
        refusals = set(threads.map(place.refusal, flipped(token)))

    assert refusals == {"InvalidToken"}
    described = place.admin.describe_execution(executionArn=arn)
    assert described["status"] == "RUNNING"


def test_the_mac_of_another_task_answers_none(place: Place) -> None:
    (first, one), (second, other) = place.start(), place.start()

    forged = spelled(raw_of(one)[:-16] + raw_of(other)[-16:])

    assert place.refusal(forged) == "InvalidToken"
    for arn in (first, second):
        described = place.admin.describe_execution(executionArn=arn)
        assert described["status"] == "RUNNING"


@pytest.mark.parametrize("account", ["", "210987654321"])
def test_a_token_of_another_account_answers_none(place: Place, account: str) -> None:
    _, token = place.start()
    parts = place.signer.verify(token)
    assert parts is not None

    forger = TokenSigner(place.server_keys, account)
    forged = forger.sign(parts.shard, parts.execution_id, parts.scheduled_id)

    assert place.refusal(forged) == "InvalidToken"


def test_a_token_for_an_event_that_is_no_task_answers_none(place: Place) -> None:
    _, token = place.start()
    parts = place.signer.verify(token)
    assert parts is not None

    others = [
        place.signer.sign(parts.shard, parts.execution_id, number)
        for number in (1, 2, 1_000)
    ]

    assert {place.refusal(other) for other in others} <= {
        "TaskTimedOut",
        "TaskDoesNotExist",
    }


def test_a_token_outlives_its_task_in_vain(place: Place) -> None:
    arn, token = place.start()
    place.admin.stop_execution(executionArn=arn)

    assert place.refusal(token) == "TaskTimedOut"


def test_a_token_that_is_used_many_times_at_once_answers_once(place: Place) -> None:
    arn, token = place.start()

    def answer(number: int) -> str:
        try:
            place.admin.send_task_success(taskToken=token, output=str(number))
        except ClientError as error:
            code: str = error.response["Error"]["Code"]
            return code
        return "accepted"

    with ThreadPoolExecutor(8) as threads:
        verdicts = sorted(threads.map(answer, range(8)))

    assert verdicts == ["TaskTimedOut"] * 7 + ["accepted"]
    assert closed(place.admin, arn)["status"] == "SUCCEEDED"
    history = place.admin.get_execution_history(executionArn=arn)["events"]
    assert [event["type"] for event in history].count("TaskSucceeded") == 1


# Who sees a token


def history_text(client: Any, arn: str) -> str:
    return json.dumps(client.get_execution_history(executionArn=arn), default=str)


def test_a_token_is_shown_to_whoever_may_answer(place: Place) -> None:
    arn, token = place.start()

    assert token in history_text(place.approver, arn)


def test_a_token_is_masked_for_all_others(place: Place) -> None:
    arn, token = place.start()

    shown = history_text(place.auditor, arn)

    assert token not in shown
    assert f"https://x/?t={MASK}&u=1" in shown


def test_a_token_is_masked_where_it_was_handed_on(place: Place) -> None:
    _, token = place.start()
    arn = place.admin.start_execution(
        stateMachineArn=place.machine, input=json.dumps({"parent": token})
    )["executionArn"]

    described = place.auditor.describe_execution(executionArn=arn)

    assert json.loads(described["input"]) == {"parent": MASK}
    assert token not in history_text(place.auditor, arn)
    assert token in place.approver.describe_execution(executionArn=arn)["input"]


# Page tokens


def page_refusal(call: Any, **fields: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**fields)
    code: str = refused.value.response["Error"]["Code"]
    return code


def test_no_flipped_bit_leads_to_a_page(place: Place) -> None:
    arn, _ = place.start()
    history = place.admin.get_execution_history
    token = history(executionArn=arn, maxResults=1)["nextToken"]

    def follow(forged: str) -> str:
        return page_refusal(history, executionArn=arn, nextToken=forged)

    with ThreadPoolExecutor(4) as threads:
        refusals = set(threads.map(follow, flipped(token)))

    assert refusals == {"InvalidToken"}


def test_a_page_token_leads_only_where_it_came_from(place: Place) -> None:
    (arn, _), (other, _) = place.start(), place.start()
    history = place.admin.get_execution_history
    token = history(executionArn=arn, maxResults=1)["nextToken"]
    following = {"nextToken": token}

    refusals = {
        page_refusal(history, executionArn=other, **following),
        page_refusal(history, executionArn=arn, reverseOrder=True, **following),
        page_refusal(place.admin.list_state_machines, **following),
        page_refusal(
            place.auditor.get_execution_history, executionArn=arn, **following
        ),
    }

    assert refusals == {"InvalidToken"}


def test_a_page_token_leads_to_the_same_page_each_time(place: Place) -> None:
    arn, _ = place.start()
    history = place.admin.get_execution_history
    token = history(executionArn=arn, maxResults=1)["nextToken"]

    def follow(_: int) -> list[int]:
        page = history(executionArn=arn, nextToken=token, maxResults=1)
        return [event["id"] for event in page["events"]]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(follow, range(8))) == [[2]] * 8
