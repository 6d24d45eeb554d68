"""The port: taken before anything slow begins, or refused in a sentence.

Several engine processes share one port by SO_REUSEPORT. Their supervisor holds it too,
without listening, so that it stays theirs while all of them are down.
"""

from __future__ import annotations

import argparse
import errno
import ipaddress
import socket
from collections.abc import Callable
from typing import Final, TypeAlias

from cli.errors import UsageError

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8083
_BACKLOG: Final = 2048

# Turns a host into an address to listen on, or refuses it.
Admit: TypeAlias = Callable[[str], str]


def add_port_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where to listen."""
    parser.add_argument(
        "--host",
        default=DEFAULT_HOST,
        metavar="ADDRESS",
        help="a loopback address, or any with --auth sigv4 (%(default)s)",
    )
    add_port_option(parser)


def add_port_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the port."""
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        metavar="N",
        help="0 takes a free one (%(default)s)",
    )


def loopback_only(host: str) -> str:
    """Return a loopback address: whoever reaches the port may do everything."""
    address = any_address(host)
    if not ipaddress.ip_address(address).is_loopback:
        msg = (
            f"{host} is no loopback address: without authentication a server listens to"
            " its own machine only; give --auth sigv4 to listen elsewhere"
        )
        raise UsageError(msg)
    return address


def any_address(host: str) -> str:
    """Return an address: whoever reaches the port has to sign what they ask for."""
    address = DEFAULT_HOST if host == "localhost" else host
    try:
        ipaddress.ip_address(address)
    except ValueError:
        msg = f"{host!r} is no address to listen on: 127.0.0.1 or 0.0.0.0 would be"
        raise UsageError(msg) from None
    return address


def listen(host: str, port: int, admit: Admit = loopback_only) -> socket.socket:
    """Take a port for this process alone, and listen; what comes early waits."""
    listener = _bind(admit(host), port, is_shared=False)
    listener.listen(_BACKLOG)
    return listener


def reserve(host: str, port: int, admit: Admit = loopback_only) -> socket.socket:
    """Take a port for processes that share it, after making sure that it is free."""
    address = admit(host)
    probe = _bind(address, port, is_shared=False)
    taken: int = probe.getsockname()[1]
    probe.close()
    return _bind(address, taken, is_shared=True)


def join(host: str, port: int, admit: Admit = loopback_only) -> socket.socket:
    """Listen on a port that the supervisor has reserved."""
    listener = _bind(admit(host), port, is_shared=True)
    listener.listen(_BACKLOG)
    return listener


def _bind(address: str, port: int, *, is_shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((address, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(_why(error, address, port)) from None
    return listener


def _why(error: Exception, address: str, port: int) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return (
            f"port {port} of {address} is taken, perhaps by another Stepwell:"
            " stop that program, or choose another port with --port"
        )
    if number == errno.EACCES:
        return f"port {port} is reserved to root: choose one above 1023 with --port"
    return f"cannot listen on port {port} of {address}: {error}"
