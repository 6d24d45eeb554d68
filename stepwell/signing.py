"""Requests signed with an access key: AWS Signature Version 4, the part that is needed.

Keys come from the arguments, or from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. A server
without authentication takes no notice of a signature.
"""

import hmac
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

from stepwell.endpoint import Endpoint

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "states"
_TERMINATOR = "aws4_request"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key of the server."""

    key_id: str
    secret: str


def access_key(key_id: str | None, secret: str | None) -> AccessKey | None:
    """The key that was given, or else that of the environment, or else none."""
    if key_id is None and secret is None:
        key_id = os.environ.get("AWS_ACCESS_KEY_ID") or None
        secret = os.environ.get("AWS_SECRET_ACCESS_KEY") or None
    if key_id is None and secret is None:
        return None
    if key_id is None or secret is None:
        message = "an access key is an id and a secret; only one of them is given"
        raise ValueError(message)
    return AccessKey(key_id, secret)


class Signer:
    """Signs the requests to one server; without a key, it adds nothing to them."""

    def __init__(self, endpoint: Endpoint, key: AccessKey | None, region: str) -> None:
        self._endpoint = endpoint
        self._key = key
        self._region = region
        self._day = ""
        self._day_key = b""

    def headers(
        self, path: str, body: bytes, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return what a POST to a path is sent with: its own headers, and a signature.

        The Host that is signed is the endpoint's `authority`.
        """
        if self._key is None:
            return dict(headers)
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        dated = {**headers, "X-Amz-Date": now}
        signed = {name.lower(): text for name, text in dated.items()}
        signed["host"] = self._endpoint.authority
        canonical = _canonical(self._endpoint.path + path, signed, body)
        scope = f"{now[:8]}/{self._region}/{_SERVICE}/{_TERMINATOR}"
        text = "\n".join((_ALGORITHM, now, scope, _digest(canonical.encode())))
        key = self._key_of(self._key, now[:8])
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        dated["Authorization"] = (
            f"{_ALGORITHM} Credential={self._key.key_id}/{scope},"
            f" SignedHeaders={_names(signed)}, Signature={signature}"
        )
        return dated

    def _key_of(self, key: AccessKey, day: str) -> bytes:
        """Derive the key of a day, which is the same for all its requests."""
        if day != self._day:
            derived = b"AWS4" + key.secret.encode()
            for part in (day, self._region, _SERVICE, _TERMINATOR):
                derived = hmac.digest(derived, part.encode(), "sha256")
            self._day, self._day_key = day, derived
        return self._day_key


def _canonical(path: str, signed: Mapping[str, str], body: bytes) -> str:
    headers = [f"{name}:{text}" for name, text in sorted(signed.items())]
    lines = ["POST", quote(path, safe="/~"), "", *headers, ""]
    return "\n".join((*lines, _names(signed), _digest(body)))


def _names(signed: Mapping[str, str]) -> str:
    return ";".join(sorted(signed))


def _digest(text: bytes) -> str:
    return sha256(text).hexdigest()
