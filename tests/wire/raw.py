"""Plain HTTP, for what no SDK would send."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

TARGET = "AWSStepFunctions."
AWS_JSON = "application/x-amz-json-1.0"


class Answer(NamedTuple):
    """What came back; the body is parsed where it is JSON."""

    status: int
    body: Any
    headers: dict[str, str]


def send(
    endpoint: str,
    path: str,
    body: bytes | str = b"",
    headers: dict[str, str] | None = None,
    method: str = "POST",
) -> Answer:
    """Make one request on a connection of its own."""
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        text = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()
    is_json = "json" in found.get("content-type", "")
    return Answer(response.status, json.loads(text) if is_json else text, found)


def call(endpoint: str, operation: str, body: bytes | str, **headers: str) -> Answer:
    """Call an operation with a body that may be anything."""
    sent = {"content-type": AWS_JSON, "x-amz-target": TARGET + operation}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return send(endpoint, "/", body, sent)


def worker(endpoint: str, call_name: str, body: Any) -> Answer:
    """Call the worker protocol."""
    return send(
        endpoint,
        f"/stepwell/v1/worker/{call_name}",
        json.dumps(body),
        {"content-type": "application/json"},
    )
