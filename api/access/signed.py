"""The gate of a server with authentication: who comes in has signed the request.

Or is a scraper, which knows a key's secret and says it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from api.access.basic import Credentials, read_credentials
from api.access.callers import Caller
from api.access.keyring import Key, Keyring
from api.access.sigv4 import Claim, Request, check_body_hash, read_claim
from api.arns import Site
from api.errors import InvalidSignatureException, UnrecognizedClientException
from api.gate import Admission
from api.http import Headers, Scope
from scheduler.clock import Clock

SERVICE: Final = b"states"
_SKEW: Final = timedelta(minutes=5)
_FORM: Final = "%Y%m%dT%H%M%SZ"


class SignatureGate:
    """Admits requests that an access key has signed a moment ago, for this server."""

    def __init__(self, keyring: Keyring, site: Site, clock: Clock) -> None:
        """Take the keys, and the region that signatures must be for."""
        self._keyring = keyring
        self._region = site.region.encode()
        self._clock = clock

    def check(self, headers: Headers) -> None:
        """Let everybody to what is open to everybody."""

    async def admit(self, scope: Scope) -> Admission:
        """Return what names the caller once the body is there; raise for no claim."""
        credentials = read_credentials(scope["method"], scope["path"], scope["headers"])
        if credentials is not None:
            return await self._admit_scraper(credentials)
        request = Request(
            method=scope["method"].encode(),
            path=scope["raw_path"],
            query=scope["query_string"],
            headers=scope["headers"],
        )
        claim = read_claim(request)
        self._check_scope(claim)
        self._check_time(claim)
        key = await self._keyring.find(claim.key_id)
        if key is None:
            raise unknown_key()
        return partial(_proven, request, claim, key)

    async def _admit_scraper(self, credentials: Credentials) -> Admission:
        key = await self._keyring.find_last_known(credentials.key_id)
        if key is None or not key.has_secret(credentials.secret):
            raise unknown_key()
        return lambda _no_body: key.caller

    def _check_scope(self, claim: Claim) -> None:
        if claim.region != self._region:
            msg = f"Credential should be scoped to a valid region: {self._region.decode()}."
            raise InvalidSignatureException(msg)
        if claim.service != SERVICE:
            msg = (
                f"Credential should be scoped to correct service: '{SERVICE.decode()}'."
            )
            raise InvalidSignatureException(msg)

    def _check_time(self, claim: Claim) -> None:
        text, now = claim.time.decode(), self._clock.now()
        try:
            signed_at = datetime.fromisoformat(text)
        except ValueError:
            raise InvalidSignatureException("X-Amz-Date is no date.") from None
        if signed_at < now - _SKEW:
            limit, at = _form(now - _SKEW), _form(now)
            msg = (
                f"Signature expired: {text} is now earlier than {limit} ({at} - 5 min.)"
            )
            raise InvalidSignatureException(msg)
        if signed_at > now + _SKEW:
            limit, at = _form(now + _SKEW), _form(now)
            msg = (
                f"Signature not yet current: {text} is still later than {limit}"
                f" ({at} + 5 min.)"
            )
            raise InvalidSignatureException(msg)


def _proven(request: Request, claim: Claim, key: Key, body: bytes) -> Caller:
    check_body_hash(request, body)
    if not claim.is_proven(key.signing_key(claim.day, claim.service), body):
        raise InvalidSignatureException(
            "The request signature we calculated does not match the signature you"
            " provided. Check your AWS Secret Access Key and signing method. Consult"
            " the service documentation for details."
        )
    if key.ended.is_given:
        raise key.ended.error()
    return key.caller


def unknown_key() -> UnrecognizedClientException:
    """Return the refusal of a key that is not there or may not be used."""
    return UnrecognizedClientException(
        "The security token included in the request is invalid."
    )


def _form(time: datetime) -> str:
    return time.strftime(_FORM)
