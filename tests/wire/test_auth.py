"""A server with `--auth sigv4`, and ordinary clients that sign with keys of its own."""

from __future__ import annotations

import asyncio
import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from api.access.routes import BY_OPERATION, OPEN, ROUTES, SCRAPED
from stepwell import ApiError, AsyncClient, Client, Worker, task
from storage.access_keys import NewKey
from tests.support.api_server import serve
from tests.support.clients import AWS, SDK, javascript, require, run_aws
from tests.support.databases import DatabaseServer
from tests.support.keys import (
    MASTERS,
    change_key,
    client_of,
    disable_key,
    make_key,
)
from tests.support.sdk_worker import serving_function
from tests.support.signing import signed
from tests.wire.raw import AWS_JSON, TARGET, Answer, send
from tests.wire.waiting import closed, eventually

ROLE = "arn:aws:iam::123456789012:role/r"
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
PRESETS = ("admin", "operator", "starter", "approver", "auditor", "scraper", "worker")


class Place:
    """A server with a key of every preset, and a machine."""

    def __init__(self, url: str, endpoint: str, stack: ExitStack) -> None:
        self.url = url
        self.endpoint = endpoint
        self.keys = {preset: make_key(url, preset) for preset in PRESETS}
        self._stack = stack
        self._clients: dict[str, Any] = {}
        made = self.client("admin").create_state_machine(
            name="orders", definition=PASS, roleArn=ROLE
        )
        self.machine: str = made["stateMachineArn"]

    def client(self, preset: str) -> Any:
        if preset not in self._clients:
            self._clients[preset] = self.client_with(self.keys[preset])
        return self._clients[preset]

    def client_with(self, key: NewKey, **settings: Any) -> Any:
        return self._stack.enter_context(client_of(self.endpoint, key, **settings))

    def ask_plainly(self, path: str, key: NewKey, method: str, body: bytes) -> Answer:
        """Make a request that says a key's secret instead of signing."""
        pair = b64encode(f"{key.key_id}:{key.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Content-Type": AWS_JSON}
        if path == "/":
            headers["X-Amz-Target"] = TARGET + "ListStateMachines"
        return send(self.endpoint, path, body, headers, method)

    def ask(
        self, path: str, key: NewKey | None, body: bytes = b"", method: str = "POST"
    ) -> Answer:
        """Make a request of any route, signed if there is a key."""
        headers = {"Host": urlsplit(self.endpoint).netloc}
        headers["Content-Type"] = AWS_JSON if path == "/" else "application/json"
        if path == "/":
            headers["X-Amz-Target"] = TARGET + "ListStateMachines"
        if key is not None:
            request = signed(
                body,
                self.endpoint + path,
                method,
                headers,
                key_id=key.key_id,
                secret=key.secret,
            ).request
            headers = {name.decode(): text.decode() for name, text in request.headers}
        return send(self.endpoint, path, body, headers, method)


@pytest.fixture(scope="module")
def place(database_server: DatabaseServer) -> Iterator[Place]:
    with (
        database_server.clone() as url,
        serve(url, masters=MASTERS, worker_seconds=4.0) as endpoint,
        ExitStack() as stack,
    ):
        yield Place(url, endpoint, stack)


def refusal(call: Any, **fields: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as refused:
        call(**fields)
    error = refused.value.response
    status = error["ResponseMetadata"]["HTTPStatusCode"]
    return status, error["Error"]["Code"], error["Error"]["Message"]


# Routes

WAYS = {
    "/": ("POST", b"{}"),
    "/metrics": ("GET", b""),
    "/stepwell/v1/worker/poll": (
        "POST",
        b'{"session":"s","name":"n","functions":["f"]}',
    ),
    "/stepwell/v1/worker/report": ("POST", b'{"session":"s"}'),
    "/stepwell/v1/worker/bye": ("POST", b'{"session":"s"}'),
}
CLOSED = [path for path, action in ROUTES.items() if action != OPEN]


def test_every_closed_route_is_known_to_these_tests() -> None:
    assert set(CLOSED) == set(WAYS)


@pytest.mark.parametrize("path", CLOSED)
def test_no_route_answers_an_unsigned_request(place: Place, path: str) -> None:
    method, body = WAYS[path]

    answer = place.ask(path, None, body, method)

    assert (answer.status, answer.body["__type"]) == (
        403,
        "MissingAuthenticationTokenException",
    )


@pytest.mark.parametrize("path", CLOSED)
def test_no_route_answers_who_has_no_permission(place: Place, path: str) -> None:
    method, body = WAYS[path]
    document = {"Effect": "Allow", "Action": "states:UntagResource", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": document})

    answer = place.ask(path, make_key(place.url, policy=policy), body, method)

    assert (answer.status, answer.body["__type"]) == (403, "AccessDeniedException")
    assert " is not authorized to perform: " in answer.body["message"]


@pytest.mark.parametrize("path", CLOSED)
def test_every_route_answers_an_admin(place: Place, path: str) -> None:
    method, body = WAYS[path]

    assert place.ask(path, place.keys["admin"], body, method).status == 200


@pytest.mark.parametrize("path", CLOSED)
def test_a_secret_that_is_said_opens_the_metrics_alone(place: Place, path: str) -> None:
    method, body = WAYS[path]

    answer = place.ask_plainly(path, place.keys["admin"], method, body)

    assert frozenset({"/metrics"}) == SCRAPED
    if path in SCRAPED:
        assert answer.status == 200
    else:
        assert (answer.status, answer.body["__type"]) == (
            400,
            "IncompleteSignatureException",
        )


@pytest.mark.parametrize("preset", PRESETS)
def test_a_scraper_needs_the_right_to_read_metrics(place: Place, preset: str) -> None:
    answer = place.ask_plainly("/metrics", place.keys[preset], "GET", b"")

    may = preset in ("admin", "operator", "auditor", "scraper")
    assert answer.status == (200 if may else 403)


@pytest.mark.parametrize("path", [path for path in ROUTES if path not in CLOSED])
def test_what_supervisors_ask_is_open(place: Place, path: str) -> None:
    assert place.ask(path, None, method="GET").status in (200, 503)


def test_every_action_of_a_route_is_what_a_policy_may_name() -> None:
    assert ROUTES["/"] == BY_OPERATION
    assert {ROUTES[path] for path in CLOSED} <= {
        BY_OPERATION,
        "stepwell:ReadMetrics",
        "stepwell:ClaimTasks",
    }


# Keys


def test_a_wrong_secret_is_refused(place: Place) -> None:
    key = NewKey(place.keys["admin"].key_id, "wrong")

    status, name, said = refusal(place.client_with(key).list_state_machines)

    assert (status, name) == (403, "InvalidSignatureException")
    assert said.startswith("The request signature we calculated does not match")


def test_an_unknown_key_is_refused(place: Place) -> None:
    key = NewKey("SWKAAAAAAAAAAAAAAAAA", "any")

    status, name, said = refusal(place.client_with(key).list_state_machines)

    assert (status, name) == (403, "UnrecognizedClientException")
    assert said == "The security token included in the request is invalid."


def test_a_disabled_key_is_refused_within_seconds(place: Place) -> None:
    key = make_key(place.url, "admin")
    client = place.client_with(key)
    client.list_state_machines()
    activity = client.create_activity(name="waiting")["activityArn"]

    disable_key(place.url, key)

    # A long poll of a minute ends as soon as the key is seen to be disabled.
    assert refusal(client.get_activity_task, activityArn=activity)[1] == (
        "UnrecognizedClientException"
    )
    assert refusal(client.list_state_machines)[1] == "UnrecognizedClientException"


def test_a_changed_key_may_do_what_it_may_now(place: Place) -> None:
    key = make_key(place.url, "starter")
    client = place.client_with(key)
    arn = client.start_execution(stateMachineArn=place.machine)["executionArn"]
    assert refusal(client.list_state_machines)[1] == "AccessDeniedException"

    change_key(place.url, key, "operator")

    assert eventually(lambda: listed(client))
    client.stop_execution(executionArn=arn)


def listed(client: Any) -> Any:
    """Return the machines, or nothing while that is refused."""
    with suppress(ClientError):
        return client.list_state_machines()["stateMachines"]
    return None


# Permissions


def test_an_admin_may_do_everything(place: Place) -> None:
    client = place.client("admin")

    started = client.start_execution(stateMachineArn=place.machine, input="{}")
    client.describe_execution(executionArn=started["executionArn"])
    client.tag_resource(resourceArn=place.machine, tags=[{"key": "a", "value": "b"}])
    client.stop_execution(executionArn=started["executionArn"])


def test_a_starter_starts_but_does_not_stop(place: Place) -> None:
    client = place.client("starter")

    arn = client.start_execution(stateMachineArn=place.machine)["executionArn"]

    assert refusal(client.stop_execution, executionArn=arn) == (
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/starter is not authorized to perform:"
        f" states:StopExecution on resource: {arn} because no identity-based policy"
        " allows the states:StopExecution action",
    )


@pytest.mark.parametrize("preset", ["approver", "auditor", "worker"])
def test_others_do_not_start(place: Place, preset: str) -> None:
    client = place.client(preset)

    refused = refusal(client.start_execution, stateMachineArn=place.machine)

    assert refused[1] == "AccessDeniedException"


def test_an_auditor_looks_and_no_more(place: Place) -> None:
    client = place.client("auditor")

    client.list_state_machines()
    client.describe_state_machine(stateMachineArn=place.machine)

    refused = refusal(client.delete_state_machine, stateMachineArn=place.machine)
    assert refused[1] == "AccessDeniedException"


def test_a_role_must_be_passed(place: Place) -> None:
    allow = {"Effect": "Allow", "Action": "states:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
    client = place.client_with(make_key(place.url, policy=policy))

    created = refusal(
        client.create_state_machine, name="mine", definition=PASS, roleArn=ROLE
    )
    updated = refusal(
        client.update_state_machine, stateMachineArn=place.machine, roleArn=ROLE
    )
    tested = refusal(client.test_state, definition='{"Type": "Succeed"}', roleArn=ROLE)

    assert all(
        f"perform: iam:PassRole on resource: {ROLE}" in refused[2]
        for refused in (created, updated, tested)
    )
    assert client.test_state(definition='{"Type": "Succeed"}')["status"] == "SUCCEEDED"


def test_secrets_are_revealed_to_whom_may_see_them(place: Place) -> None:
    statements = [
        {"Effect": "Allow", "Action": "states:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "states:RevealSecrets", "Resource": "*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    client = place.client_with(make_key(place.url, policy=policy))
    fields = {"definition": '{"Type": "Succeed"}', "revealSecrets": True}

    assert "states:RevealSecrets" in refusal(client.test_state, **fields)[2]
    assert place.client("admin").test_state(**fields)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("account", ["123456789012", "210987654321"])
@pytest.mark.parametrize("preset", ["starter", "worker"])
def test_forbidden_and_missing_are_told_alike(
    place: Place, account: str, preset: str
) -> None:
    client = place.client(preset)
    arn = f"arn:aws:states:us-east-1:{account}:stateMachine"
    names = ("orders", "nothing")

    answers = {
        refusal(client.describe_state_machine, stateMachineArn=f"{arn}:{name}")[
            2
        ].replace(name, "*")
        for name in names
    }

    assert len(answers) == 1


def test_nobody_reaches_into_another_account(place: Place) -> None:
    arn = "arn:aws:states:us-east-1:210987654321:stateMachine:orders"

    refused = refusal(place.client("admin").describe_state_machine, stateMachineArn=arn)

    assert refused[1] == "AccessDeniedException"


def test_a_page_token_is_good_for_its_principal_alone(place: Place) -> None:
    admin = place.client("admin")
    admin.create_state_machine(name="second", definition=PASS, roleArn=ROLE)
    token = admin.list_state_machines(maxResults=1)["nextToken"]

    admin.list_state_machines(nextToken=token)

    refused = refusal(place.client("auditor").list_state_machines, nextToken=token)
    assert refused[1] == "InvalidToken"


# Hosts


def test_a_client_without_the_prefix_works(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    client = place.client_with(place.keys["admin"], inject_host_prefix=None)

    assert client.test_state(definition='{"Type": "Succeed"}')["status"] == "SUCCEEDED"


def test_a_client_that_resolves_the_prefix_works(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve, asked = socket.getaddrinfo, []

    def resolved(host: Any, *arguments: Any, **named: Any) -> Any:
        asked.append(host)
        return resolve(str(host).removeprefix("sync-"), *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    endpoint = place.endpoint.replace("127.0.0.1", "localhost")
    with client_of(endpoint, place.keys["admin"], inject_host_prefix=True) as client:
        answer = client.test_state(definition='{"Type": "Succeed"}')

    assert answer["status"] == "SUCCEEDED"
    assert "sync-localhost" in asked


# The SDK


def calling(function: str) -> str:
    resource = f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
    state = {"Type": "Task", "Resource": resource, "End": True}
    return json.dumps({"StartAt": "A", "States": {"A": state}})


def double(event: int) -> int:
    return 2 * event


def test_a_worker_with_a_key_runs_a_function(place: Place) -> None:
    key = place.keys["admin"]
    client = Client(
        place.endpoint, access_key_id=key.key_id, secret_access_key=key.secret
    )

    serving = serving_function(place.endpoint, place.keys["worker"], "double", double)

    with client, serving:
        client.create_state_machine("doubling", calling("double"))
        arn = client.start("doubling", 21)
        result = client.wait(arn, timeout=30).result()

    assert result == 42


def test_a_worker_that_may_not_is_told_the_action_and_the_function(
    place: Place,
) -> None:
    key = place.keys["auditor"]
    worker = Worker(
        [task("mine")(double)],
        endpoint=place.endpoint,
        access_key_id=key.key_id,
        secret_access_key=key.secret,
    )

    with pytest.raises(ApiError, match=r"perform: stepwell:ClaimTasks on resource: \*"):
        asyncio.run(worker.run())


def test_a_worker_serves_the_functions_that_its_policy_names(place: Place) -> None:
    resource = "arn:aws:lambda:us-east-1:123456789012:function:mine-*"
    allow = {"Effect": "Allow", "Action": "stepwell:ClaimTasks", "Resource": resource}
    policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
    key = make_key(place.url, policy=policy)

    def poll(*functions: str) -> int:
        body = {"session": "a", "name": "a", "functions": functions}
        path = "/stepwell/v1/worker/poll"
        return place.ask(path, key, json.dumps(body).encode()).status

    assert poll("mine-a") == 200
    assert poll("mine-a", "other") == 403


def test_the_tasks_of_a_disabled_key_are_taken_from_its_worker(place: Place) -> None:
    key, admin = make_key(place.url, "worker"), place.client("admin")
    machine = admin.create_state_machine(
        name="halving", definition=calling("halve"), roleArn=ROLE
    )["stateMachineArn"]
    arn = admin.start_execution(stateMachineArn=machine)["executionArn"]
    poll = b'{"session":"s","name":"n","functions":["halve"],"free":1,"wait":20}'
    (held,) = place.ask("/stepwell/v1/worker/poll", key, poll).body["tasks"]

    disable_key(place.url, key)

    inventory = json.dumps([held["token"]]).encode()
    waiting = poll.replace(b'"free":1', b'"free":1,"inventory":%b' % inventory)
    assert place.ask("/stepwell/v1/worker/poll", key, waiting).status == 403
    described = closed(admin, arn)
    assert (described["status"], described["error"]) == ("FAILED", "Lambda.Unknown")


def test_clients_of_the_sdk_hear_why_they_are_refused(place: Place) -> None:
    key = place.keys["auditor"]
    where, pair = place.endpoint, (key.key_id, key.secret)

    async def start() -> str:
        async with AsyncClient(
            where, access_key_id=pair[0], secret_access_key=pair[1]
        ) as client:
            return await client.start(place.machine)

    with (
        Client(where, access_key_id=pair[0], secret_access_key=pair[1]) as client,
        pytest.raises(ApiError, match=r"AccessDeniedException: User: .*auditor"),
    ):
        client.start(place.machine)
    with pytest.raises(ApiError, match="AccessDeniedException"):
        asyncio.run(start())


# Other SDKs


@pytest.mark.parametrize(
    ("name", "words"), [("127.0.0.1", []), ("localhost", ["--prefixed"])]
)
def test_the_javascript_sdk_signs(place: Place, name: str, words: list[str]) -> None:
    require(SDK)
    endpoint = place.endpoint.replace("127.0.0.1", name)

    seen = javascript(endpoint, *words, key=place.keys["admin"])

    assert seen["started"] is True
    assert seen["synchronous"] == seen["described"]
    assert seen["tried"] == {"status": "SUCCEEDED", "output": "[2]"}


def test_the_aws_command_signs(place: Place) -> None:
    require(AWS)

    good = run_aws(place.endpoint, "list-activities", key=place.keys["auditor"])
    refused = run_aws(place.endpoint, "list-activities", key=place.keys["worker"])

    assert good.returncode == 0, good.stderr
    assert "AccessDeniedException" in refused.stderr
