"""A small client of the AWS JSON 1.0 endpoint, for the commands that ask a server.

The standard library's, because a command that prints one answer should start at once. The
SDK has a better one; the server and the SDK import nothing of each other.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

from cli.errors import CommandError, UsageError
from cli.names import SITE_VARIABLES

if TYPE_CHECKING:
    from http.client import HTTPConnection

Fields: TypeAlias = dict[str, Any]

ENDPOINT_VARIABLE: Final = "STEPWELL_ENDPOINT"
DEFAULT_ENDPOINT: Final = "http://127.0.0.1:8083"
_SECONDS: Final = 30.0
# A server that has just lost its database, or its shards, says to come again.
_LATER: Final = 503
_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
_ABSENT: Final = ("StateMachineDoesNotExist", "ExecutionDoesNotExist")
_nobody: Final = threading.Event()


class NoServerError(CommandError):
    """No server answers at the endpoint."""


class RefusedError(CommandError):
    """The server refused a request; `name` is the error's public name."""

    def __init__(self, name: str, message: str) -> None:
        """Take the error as the server names it."""
        super().__init__(f"{name}: {message}")
        self.name = name


def add_endpoint_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the server."""
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        default=os.environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT,
        help=f"the server, also from {ENDPOINT_VARIABLE} (%(default)s)",
    )


def _hint(error_name: str) -> str:
    if error_name == "MissingAuthenticationTokenException":
        return (
            ": this server asks for an access key, in AWS_ACCESS_KEY_ID and"
            " AWS_SECRET_ACCESS_KEY; `stepwell keys create` makes one"
        )
    given = [name for name in SITE_VARIABLES if os.environ.get(name)]
    if error_name in _ABSENT and given:
        return f" ({' and '.join(given)} as the server has it? Names become ARNs by it)"
    return ""


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one server."""

    endpoint: str

    def call(self, operation: str, **fields: object) -> Fields:
        """Perform an operation; fields that are None are left out.

        It is repeated while the server says to come again: a start needs a name for that.
        """
        body = json.dumps({k: v for k, v in fields.items() if v is not None})
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AWSStepFunctions.{operation}",
        }
        status, answer = self._request("POST", "/", body, headers)
        for pause in _PAUSES:
            if status != _LATER:
                break
            _nobody.wait(pause)
            status, answer = self._request("POST", "/", body, headers)
        if status != 200:
            name = str(answer.get("__type", f"HTTP {status}")).rpartition("#")[2]
            raise RefusedError(name, str(answer.get("message", "")) + _hint(name))
        return answer

    def pages(self, operation: str, member: str, **fields: object) -> Iterator[Fields]:
        """Yield the items of all pages of a listing."""
        token: object = None
        while True:
            page = self.call(operation, nextToken=token, **fields)
            yield from page[member]
            token = page.get("nextToken")
            if token is None:
                return

    def is_ready(self) -> bool:
        """Tell whether a server answers and says that it is ready."""
        try:
            return self._request("GET", "/readyz", None, {})[0] == 200
        except CommandError:
            return False

    def _request(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, Fields]:
        from http.client import HTTPException  # not for `--help`

        from cli.signing import signed

        connection = self._connection()
        host = urlsplit(self.endpoint).netloc.rpartition("@")[2]
        sent = signed(method, path, (body or "").encode(), {"Host": host, **headers})
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            answer = json.loads(response.read() or b"{}")
        except (OSError, HTTPException, ValueError) as error:
            raise self._no_server(error) from None
        finally:
            connection.close()
        if not isinstance(answer, dict):
            raise self._no_server(ValueError("its answer is no JSON object"))
        return response.status, answer

    def _connection(self) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        parts = urlsplit(self.endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            msg = f"{self.endpoint!r} is no endpoint: http://HOST:PORT is expected"
            raise UsageError(msg)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        return kind(parts.hostname, parts.port, timeout=_SECONDS)

    def _no_server(self, error: Exception) -> NoServerError:
        msg = (
            f"no Stepwell answers at {self.endpoint} ({error}): start one with"
            f" `stepwell dev`, or name it with --endpoint or {ENDPOINT_VARIABLE}"
        )
        return NoServerError(msg)
