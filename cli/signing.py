"""Requests of the commands, signed with the access key of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256

from api.access.sigv4 import (
    ALGORITHM,
    DATE_HEADER,
    TERMINATOR,
    Request,
    canonical_head,
    signature_of,
    signing_key,
)
from api.arns import Site
from scheduler.clock import host_now

_SERVICE = b"states"


def signed(
    method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> dict[str, str]:
    """Return the headers of a request, Host among them, with a signature.

    Without an access key in the environment they stay as they are.
    """
    key_id = os.environ.get("AWS_ACCESS_KEY_ID")
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret:
        return dict(headers)
    time = f"{host_now():%Y%m%dT%H%M%SZ}".encode()
    region = Site.of_environment(os.environ).region.encode()
    values = {name.lower().encode(): text.encode() for name, text in headers.items()}
    values[DATE_HEADER] = time
    names = sorted(values)
    request = Request(method=method.encode(), path=path.encode(), query=b"", headers=[])
    head = canonical_head(request, values, names)
    scope = b"/".join((time[:8], region, _SERVICE, TERMINATOR))
    key = signing_key(secret, time[:8], region, _SERVICE)
    canonical = head + sha256(body).hexdigest().encode()
    signature = signature_of(key, time, scope, canonical)
    authorization = b"%b Credential=%b/%b, SignedHeaders=%b, Signature=%b" % (
        ALGORITHM,
        key_id.encode(),
        scope,
        b";".join(names),
        signature,
    )
    return {
        **headers,
        "X-Amz-Date": time.decode(),
        "Authorization": authorization.decode(),
    }
