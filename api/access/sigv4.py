"""Signature Version 4: what a request claims, and whether it is signed with a key.

The signature covers the method, the path, the query, the signed headers and the body, and
holds for one day, region and service. Beyond what AWS publishes, this reads strictly:

- every `x-amz-*` header must be signed, for X-Amz-Target names the operation;
- no signed header may come twice, for then two readers could see two requests;
- nothing is normalised: a path with dots or doubled slashes has no valid signature;
- the body is always signed, and a signature in the query is none.

Pure: the caller brings the key and the time.
"""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias
from urllib.parse import quote

from api.errors import (
    IncompleteSignatureException,
    InvalidSignatureException,
    MissingAuthenticationTokenException,
    UnrecognizedClientException,
)

Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]

ALGORITHM: Final = b"AWS4-HMAC-SHA256"
TERMINATOR: Final = b"aws4_request"
DATE_HEADER: Final = b"x-amz-date"

_HASH_HEADER: Final = b"x-amz-content-sha256"
_TOKEN_HEADER: Final = b"x-amz-security-token"
_REQUIRED: Final = (b"host", DATE_HEADER)
_FIELDS: Final = {b"Credential", b"SignedHeaders", b"Signature"}
_TIME: Final = re.compile(rb"[0-9]{8}T[0-9]{6}Z")
_DAY_LETTERS: Final = 8
_CREDENTIAL_PARTS: Final = 5
_LONGEST: Final = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The signed parts of a request but for its body, as they were received."""

    method: bytes
    path: bytes
    query: bytes
    headers: Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose signature a request bears, and over what; nothing of it is proven yet."""

    key_id: str
    day: bytes
    region: bytes
    service: bytes
    time: bytes
    signature: bytes
    signed_head: bytes

    def is_proven(self, key: bytes, body: bytes) -> bool:
        """Tell whether the signature is that of a signing key over request and body."""
        scope = b"/".join((self.day, self.region, self.service, TERMINATOR))
        canonical = self.signed_head + sha256(body).hexdigest().encode()
        expected = signature_of(key, self.time, scope, canonical)
        return hmac.compare_digest(expected, self.signature)


def signing_key(secret: str, day: bytes, region: bytes, service: bytes) -> bytes:
    """Derive the key that signs on one day, for one region and service."""
    key = b"AWS4" + secret.encode()
    for part in (day, region, service, TERMINATOR):
        key = hmac.digest(key, part, "sha256")
    return key


def signature_of(key: bytes, time: bytes, scope: bytes, canonical: bytes) -> bytes:
    """Return the signature of a canonical request."""
    digest = sha256(canonical).hexdigest().encode()
    text = b"\n".join((ALGORITHM, time, scope, digest))
    return hmac.digest(key, text, "sha256").hex().encode()


def canonical_head(
    request: Request, values: Mapping[bytes, bytes], names: Sequence[bytes]
) -> bytes:
    """Return the canonical request up to the hash of its body."""
    headers = [name + b":" + b" ".join(values[name].split()) for name in names]
    path = quote(request.path, safe="/~").encode()
    lines = [request.method, path, _query(request.query), *headers, b""]
    return b"\n".join((*lines, b";".join(names), b""))


def read_claim(request: Request) -> Claim:
    """Read what a request claims; raise the public error for what is no claim."""
    values = dict(request.headers)
    fields = _fields(values, request.query)
    key_id, day, region, service = _credential(fields[b"Credential"])
    names = _signed_names(fields[b"SignedHeaders"], request.headers, values)
    time = values[DATE_HEADER].strip()
    if not _TIME.fullmatch(time) or time[:_DAY_LETTERS] != day:
        raise InvalidSignatureException(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of"
            " date from HTTP"
        )
    return Claim(
        key_id=key_id,
        day=day,
        region=region,
        service=service,
        time=time,
        signature=fields[b"Signature"],
        signed_head=canonical_head(request, values, names),
    )


def check_body_hash(request: Request, body: bytes) -> None:
    """Refuse a hash beside the signature that is not the body's, as UNSIGNED-PAYLOAD."""
    for name, value in request.headers:
        if name == _HASH_HEADER:
            digest = sha256(body).hexdigest().encode()
            if not hmac.compare_digest(value.strip(), digest):
                raise InvalidSignatureException(
                    "The header x-amz-content-sha256 must be the SHA-256 of the body;"
                    " unsigned and streamed bodies are refused."
                )


def _fields(values: Mapping[bytes, bytes], query: bytes) -> dict[bytes, bytes]:
    authorization = values.get(b"authorization")
    if b"x-amz-signature" in query.lower():
        raise IncompleteSignatureException(
            "Signatures in the query are refused: sign with the Authorization header."
        )
    if authorization is None:
        raise MissingAuthenticationTokenException("Missing Authentication Token")
    if _TOKEN_HEADER in values:
        raise UnrecognizedClientException(
            "The security token included in the request is invalid: there are no"
            " temporary credentials here (unset AWS_SESSION_TOKEN)."
        )
    algorithm, _, rest = authorization.partition(b" ")
    if algorithm != ALGORITHM:
        raise IncompleteSignatureException(
            "The Authorization header must use AWS4-HMAC-SHA256."
        )
    parts = [part.strip().partition(b"=") for part in rest.split(b",")]
    fields = {name: value for name, _, value in parts}
    if len(fields) != len(parts) or fields.keys() != _FIELDS or len(rest) > _LONGEST:
        raise IncompleteSignatureException(
            "The Authorization header must have Credential, SignedHeaders and"
            " Signature, once each."
        )
    return fields


def _credential(text: bytes) -> tuple[str, bytes, bytes, bytes]:
    parts = text.split(b"/")
    if len(parts) != _CREDENTIAL_PARTS or parts[-1] != TERMINATOR:
        raise IncompleteSignatureException(
            "Credential must be KEY/DATE/REGION/SERVICE/aws4_request."
        )
    key_id, day, region, service, _ = parts
    return key_id.decode("latin-1"), day, region, service


def _signed_names(
    text: bytes, pairs: Pairs, values: Mapping[bytes, bytes]
) -> list[bytes]:
    names = text.split(b";")
    signed = set(names)
    unsigned = [name for name in values if name.startswith(b"x-amz-")]
    missing = [name for name in (*_REQUIRED, *unsigned) if name not in signed]
    if missing or names != sorted(signed):
        what = b", ".join(missing).decode("latin-1") or "each header once, sorted"
        msg = f"SignedHeaders must name {what}."
        raise InvalidSignatureException(msg)
    if signed - values.keys() or _repeated(pairs, values) & {*names, b"authorization"}:
        raise InvalidSignatureException("Every signed header must be there once.")
    return names


def _repeated(pairs: Pairs, values: Mapping[bytes, bytes]) -> set[bytes]:
    if len(pairs) == len(values):
        return set()
    counts = Counter(name for name, _ in pairs)
    return {name for name, count in counts.items() if count > 1}


def _query(query: bytes) -> bytes:
    if not query:
        return b""
    pairs = sorted(part.partition(b"=")[::2] for part in query.split(b"&"))
    return b"&".join(name + b"=" + value for name, value in pairs)
