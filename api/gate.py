"""Who is let in; without authentication, the programs of this machine.

The server listens on loopback addresses then, but a browser of this machine can be led
there by any page: by a name that a hostile DNS server answers with 127.0.0.1 (so the Host
must be a loopback name with the port), or by a request across origins (so a foreign Origin
or Sec-Fetch-Site is refused). SDKs put `sync-` before the host of two operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from api.access.callers import ANYBODY, Caller
from api.errors import AccessDeniedException
from api.http import Headers, Scope, headers_of

# Names the caller of a request that was admitted, when its body is there.
Admission: TypeAlias = Callable[[bytes], Caller]

_LOOPBACK_NAMES: Final = (b"localhost", b"127.0.0.1", b"[::1]")
_OWN_SITES: Final = (None, b"same-origin", b"none")
_DEFAULT_PORT: Final = 80


class Gate(Protocol):
    """Decides whose requests are admitted."""

    def check(self, headers: Headers) -> None:
        """Refuse what nobody may send, also where everybody is admitted."""

    async def admit(self, scope: Scope) -> Admission:
        """Refuse what nobody can have signed; return what names the caller."""


class LoopbackGate:
    """Admits requests that a program of this machine, or our own page, has made."""

    def __init__(self, *ports: int) -> None:
        """Take the ports that clients may name in the Host."""
        suffixes = [b":%d" % port for port in ports]
        if _DEFAULT_PORT in ports:
            suffixes.append(b"")
        self._hosts = frozenset(
            prefix + name + suffix
            for prefix in (b"", b"sync-")
            for name in _LOOPBACK_NAMES
            for suffix in suffixes
        )
        self._origins = frozenset(b"http://" + host for host in self._hosts)

    async def admit(self, scope: Scope) -> Admission:
        """Return what names anybody, or raise AccessDeniedException."""
        self.check(headers_of(scope))
        return _anybody

    def check(self, headers: Headers) -> None:
        """Return, or raise AccessDeniedException."""
        if headers.get(b"host", b"").lower() not in self._hosts:
            raise AccessDeniedException(
                "Without authentication this server answers only to the name of its own"
                " machine: localhost, 127.0.0.1 or [::1], with the port."
            )
        origin = headers.get(b"origin")
        if origin is not None and origin.lower() not in self._origins:
            raise AccessDeniedException("Requests from other origins are refused.")
        if headers.get(b"sec-fetch-site") not in _OWN_SITES:
            raise AccessDeniedException("Requests from other sites are refused.")


def _anybody(_body: bytes) -> Caller:
    return ANYBODY
