"""The HTTP of the server itself: routes, strange requests, clients that hang up."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.config
import pytest

import api.server
from cli.version import version
from tests.support.machines import pass_on, region
from tests.wire.raw import AWS_JSON, TARGET, call, send
from tests.wire.test_executions import start
from tests.wire.waiting import closed


def test_probes_answer(endpoint: str) -> None:
    alive = send(endpoint, "/healthz", method="GET")
    told = send(endpoint, "/version", method="GET")

    assert (alive.status, alive.body) == (200, {"status": "ok"})
    assert (told.status, told.body) == (200, {"version": version()})


def test_server_becomes_ready(endpoint: str) -> None:
    def asked() -> Iterator[Any]:
        while True:
            yield send(endpoint, "/readyz", method="GET")

    ready = next(answer for answer in asked() if answer.status == 200)

    assert ready.body == {"status": "ready"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("POST", "/nothing", 404),
        ("POST", "/healthz", 405),
        ("GET", "/stepwell/v1/worker/poll", 404),
        ("POST", "//", 404),
    ],
)
def test_other_routes(endpoint: str, method: str, path: str, status: int) -> None:
    assert send(endpoint, path, method=method).status == status


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing"])
def test_foreign_host_is_refused_everywhere(endpoint: str, path: str) -> None:
    answer = send(endpoint, path, headers={"host": "example.com"}, method="GET")

    assert (answer.status, answer.body["__type"]) == (403, "AccessDeniedException")


def test_every_answer_has_a_request_id(endpoint: str) -> None:
    good = call(endpoint, "ListStateMachines", "{}")
    bad = call(endpoint, "Nothing", "{}")

    assert len({good.headers["x-amzn-requestid"], bad.headers["x-amzn-requestid"]}) == 2
    assert bad.body["__type"] == "UnknownOperationException"


def test_body_over_the_cap_is_answered(endpoint: str) -> None:
    answer = call(endpoint, "ListStateMachines", b" " * 3_000_000)

    assert (answer.status, answer.body["__type"]) == (
        413,
        "RequestEntityTooLargeException",
    )


def test_connection_is_kept_between_requests(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    request = (
        f"POST / HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {AWS_JSON}\r\n"
        f"X-Amz-Target: {TARGET}ListStateMachines\r\nContent-Length: 2\r\n\r\n{{}}"
    ).encode()

    with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
        client.sendall(request * 3)
        received = b""
        while received.count(b'{"stateMachines":[]}') < 3:
            received += client.recv(65_536)

    assert received.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    "text",
    [
        b"nonsense\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    ],
)
def test_server_survives_what_is_no_http(endpoint: str, text: bytes) -> None:
    parts = urlsplit(endpoint)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65_536):
            pass

    assert send(endpoint, "/healthz", method="GET").status == 200


def test_host_with_the_prefix_of_the_sdks_is_admitted(endpoint: str) -> None:
    port = urlsplit(endpoint).port

    answer = call(endpoint, "StartSyncExecution", "{}", host=f"sync-localhost:{port}")

    assert answer.status != 403


def test_ordinary_client_of_localhost_works(endpoint: str) -> None:
    port = urlsplit(endpoint).port
    config = botocore.config.Config(inject_host_prefix=False)
    client: Any = boto3.client(
        "stepfunctions",
        endpoint_url=f"http://localhost:{port}",
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=config,
    )

    assert client.list_state_machines()["stateMachines"] == []
    client.close()


def test_answer_is_plain_json(endpoint: str) -> None:
    answer = call(endpoint, "ListStateMachines", json.dumps({"maxResults": 1}))

    assert answer.headers["content-type"] == AWS_JSON
    assert answer.body == {"stateMachines": []}


@pytest.mark.parametrize(
    "filler", [b"A: " + b"x" * 100, b"B" * 100 + b": x\r\n"], ids=["value", "names"]
)
def test_head_without_end_is_hung_up_on(endpoint: str, filler: bytes) -> None:
    parts = urlsplit(endpoint)
    pour = filler * (32 * 1024 * 1024 // len(filler))

    with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
        client.sendall(b"POST / HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            client.sendall(pour)

    assert send(endpoint, "/healthz", method="GET").status == 200


CHUNKED = (
    f"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Type: {AWS_JSON}\r\nX-Amz-Target:"
    f" {TARGET}ListStateMachines\r\nTransfer-Encoding: chunked\r\n\r\n"
    "2\r\n{}\r\n0\r\n"
)


def test_trailers_are_dropped(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    request = CHUNKED.replace("HOST", parts.netloc)
    trailers = f"Host: example.com\r\nX-Amz-Target: {TARGET}Nothing\r\n\r\n"

    with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
        client.sendall((request + trailers).encode())
        received = client.recv(65_536)

    assert b"HTTP/1.1 200 OK" in received


def test_trailers_without_end_are_hung_up_on(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    request = CHUNKED.replace("HOST", parts.netloc).encode()

    with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
        client.sendall(request + b"A: ")
        with pytest.raises(ConnectionError):
            client.sendall(b"x" * (32 * 1024 * 1024))


HEAD = (
    f"POST / HTTP/1.1\r\nHost: HOST\r\nContent-Type: {AWS_JSON}\r\nX-Amz-Target:"
    f" {TARGET}ListStateMachines\r\n"
)
WHOLE = f"{HEAD}Content-Length: 2\r\n\r\n{{}}"
ANSWER = b'{"stateMachines":[]}'


@pytest.mark.parametrize(
    "part",
    [
        "",
        "POST",
        HEAD,
        f"{HEAD}Content-Length: 2\r\n\r\n",
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\n",
        f"{HEAD}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n",
    ],
    ids=["nothing", "a word", "half a head", "no body", "no chunk", "an expectation"],
)
def test_request_that_stops_half_way_is_hung_up_on(
    module_endpoint: str, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(api.server, "_REQUEST_SECONDS", 0.2)

    assert ANSWER not in sent_and_heard(module_endpoint, part)


def test_next_request_of_a_connection_has_its_time_too(
    module_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = urlsplit(module_endpoint)

    with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
        client.sendall(WHOLE.replace("HOST", parts.netloc).encode())
        heard = b""
        while ANSWER not in heard:
            heard += client.recv(65_536)
        monkeypatch.setattr(api.server, "_REQUEST_SECONDS", 0.2)
        client.sendall(HEAD.encode())

        assert rest_of(client) == b""


def sent_and_heard(endpoint: str, text: str) -> bytes:
    """Send a text and wait until the server hangs up; return what it said."""
    parts = urlsplit(endpoint)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
        client.sendall(text.replace("HOST", parts.netloc).encode())
        return rest_of(client)


def rest_of(client: socket.socket) -> bytes:
    heard = b""
    with contextlib.suppress(ConnectionError):
        while some := client.recv(65_536):
            heard += some
    return heard


def test_more_connections_than_there_are_files_for_are_closed(
    module_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = urlsplit(module_endpoint)
    monkeypatch.setattr(api.server, "most_connections", lambda: 20)

    with contextlib.ExitStack() as clients:
        opened = [
            clients.enter_context(
                socket.create_connection((address.hostname, address.port), timeout=10)
            )
            for _ in range(40)
        ]
        assert rest_of(opened[-1]) == b""

    def answers() -> Iterator[int]:
        while True:
            with contextlib.suppress(ConnectionError):
                yield send(module_endpoint, "/healthz", method="GET").status

    assert next(answers()) == 200


def test_client_that_does_not_take_its_answer_is_hung_up_on(
    module_client: Any, module_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.server, "_ANSWER_SECONDS", 0.0)
    states = [pass_on(f"S{number}") for number in range(24)]
    text = json.dumps("x" * 250_000)
    arn = start(module_client, region(*states), input=text)["executionArn"]
    closed(module_client, arn)
    body = json.dumps({"executionArn": arn})
    address = urlsplit(module_endpoint)
    request = (
        f"{HEAD}Content-Length: {len(body)}\r\n\r\n{body}".replace(
            "ListStateMachines", "GetExecutionHistory"
        )
    ).replace("HOST", address.netloc)

    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.settimeout(10)
        client.connect((address.hostname, address.port))
        client.sendall(request.encode())
        heard = rest_of(client)

    head, _, answer = heard.partition(b"\r\n\r\n")
    (promised,) = re.findall(rb"content-length: (\d+)", head)
    assert len(answer) < int(promised)
