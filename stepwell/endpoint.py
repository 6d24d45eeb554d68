"""Where a server is, and whose."""

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_ENDPOINT = "http://127.0.0.1:8083"


def endpoint_url(given: str | None) -> str:
    """The endpoint that was given, or else of the environment, or else the default."""
    return given or os.environ.get("STEPWELL_ENDPOINT") or DEFAULT_ENDPOINT


def account_and_region() -> tuple[str, str]:
    """The account and region of names that are no ARNs, and of signatures."""
    environment = os.environ
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    return environment.get("AWS_ACCOUNT_ID") or "123456789012", region or "us-east-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint in its parts."""

    host: str
    port: int
    is_tls: bool
    path: str
    authority: str

    @classmethod
    def parse(cls, url: str) -> "Endpoint":
        """Read an endpoint such as http://127.0.0.1:8083 or https://host/prefix."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = f"{url!r} is not an endpoint: http://HOST:PORT is expected"
            raise ValueError(message)
        is_tls = parts.scheme == "https"
        return cls(
            host=parts.hostname,
            port=parts.port or (443 if is_tls else 80),
            is_tls=is_tls,
            path=parts.path.rstrip("/"),
            authority=parts.netloc.rpartition("@")[2],
        )
