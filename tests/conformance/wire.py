"""A keep-alive client of a server: API operations and the worker protocol, as plain JSON."""

from __future__ import annotations

import base64
import json
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

from tests.wire.raw import AWS_JSON, TARGET

_WORKER: Final = "/stepwell/v1/worker/"


class RefusedError(Exception):
    """The server answered with an error: its code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class WireClient:
    """One connection to a server."""

    def __init__(self, endpoint: str) -> None:
        """Connect at the first call."""
        self._connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=60)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def call(self, operation: str, **request: Any) -> Any:
        """Call an operation; raise RefusedError for an error."""
        headers = {"content-type": AWS_JSON, "x-amz-target": TARGET + operation}
        return self._post("/", _sendable(request), headers)

    def worker(self, call: str, **request: Any) -> Any:
        """Call the worker protocol."""
        headers = {"content-type": "application/json"}
        return self._post(_WORKER + call, request, headers)

    def _post(self, path: str, body: Any, headers: dict[str, str]) -> Any:
        self._connection.request("POST", path, json.dumps(body), headers)
        response = self._connection.getresponse()
        text = response.read()
        answer = json.loads(text) if text else {}
        if response.status != 200:
            code = str(answer.get("__type", response.status)).rpartition("#")[2]
            raise RefusedError(code, str(answer.get("message", "")))
        return answer


def _sendable(value: Any) -> Any:
    """Replace `{"$bytes": "..."}` by the text that a client would send for such bytes."""
    if isinstance(value, dict):
        if value.keys() == {"$bytes"}:
            return base64.b64decode(value["$bytes"]).decode("latin-1")
        return {name: _sendable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_sendable(inner) for inner in value]
    return value
