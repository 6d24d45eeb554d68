"""HTTP Basic authentication, for scrapers: Prometheus cannot sign what it asks for.

User and password are the id and the secret of an access key. The secret crosses the network
with every request, which a signature spares it, so no other route takes it.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Final

from api.access.routes import SCRAPED
from api.access.sigv4 import Pairs
from api.errors import IncompleteSignatureException

_SCHEME: Final = b"basic "
_METHODS: Final = ("GET", "HEAD")
_LONGEST: Final = 1_024


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says it knows; nothing of it is proven yet."""

    key_id: str
    secret: bytes = field(repr=False)


def read_credentials(method: str, path: str, headers: Pairs) -> Credentials | None:
    """Return what a scrape says it knows; None for all that has to be signed."""
    if path not in SCRAPED or method not in _METHODS:
        return None
    given = [value for name, value in headers if name == b"authorization"]
    if not given or not given[0].lower().startswith(_SCHEME):
        return None
    if len(given) > 1 or len(given[0]) > _LONGEST:
        raise _malformed()
    try:
        text = b64decode(given[0][len(_SCHEME) :].strip(), validate=True)
        key_id, colon, secret = text.partition(b":")
        found = Credentials(key_id.decode("ascii"), secret)
    except (binascii.Error, UnicodeDecodeError):
        raise _malformed() from None
    if not colon:
        raise _malformed()
    return found


def _malformed() -> IncompleteSignatureException:
    return IncompleteSignatureException(
        "The Authorization header must be Basic with the base64 of KEY_ID:SECRET, once."
    )
