"""Requests as botocore signs them: the oracle for what is verified here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from api.access.sigv4 import Request

KEY_ID: Final = "SWKABCDEFGHIJKLMNOPQ"
SECRET: Final = "a-secret-of-forty-characters-or-nearly-so"
URL: Final = "http://localhost:8083/"
HEADERS: Final = {
    "Host": "localhost:8083",
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "AWSStepFunctions.StartExecution",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signed request, in the parts that a server receives."""

    request: Request
    body: bytes

    def header(self, name: str) -> bytes:
        return dict(self.request.headers)[name.encode()]

    def with_header(self, name: str, value: bytes) -> Self:
        """Return it with a header changed, or added at the end."""
        headers = dict(self.request.headers) | {name.encode(): value}
        return self.with_pairs(list(headers.items()))

    def without_header(self, name: str) -> Self:
        pairs = [pair for pair in self.request.headers if pair[0] != name.encode()]
        return self.with_pairs(pairs)

    def with_pairs(self, pairs: list[tuple[bytes, bytes]]) -> Self:
        return replace(self, request=replace(self.request, headers=pairs))

    def scope(self) -> dict[str, Any]:
        """Return the scope that an ASGI application gets of it."""
        return {
            "type": "http",
            "method": self.request.method.decode(),
            "path": self.request.path.decode(),
            "raw_path": self.request.path,
            "query_string": self.request.query,
            "headers": list(self.request.headers),
        }


def signed(
    body: bytes = b"{}",
    url: str = URL,
    method: str = "POST",
    headers: Mapping[str, str] = HEADERS,
    *,
    key_id: str = KEY_ID,
    secret: str = SECRET,
    token: str | None = None,
    region: str = "us-east-1",
    service: str = "states",
) -> Signed:
    """Sign a request as an SDK does."""
    request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
    SigV4Auth(Credentials(key_id, secret, token), service, region).add_auth(request)
    parts = urlsplit(url)
    pairs = [
        (name.lower().encode(), str(value).encode())
        for name, value in request.headers.items()
    ]
    received = Request(
        method=method.encode(),
        path=parts.path.encode(),
        query=parts.query.encode(),
        headers=pairs,
    )
    return Signed(request=received, body=body)
