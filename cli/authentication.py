"""Whether requests must be signed: `--auth`, of every command that serves."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cli.errors import UsageError

if TYPE_CHECKING:
    from storage.master_keys import MasterKeys

NONE: Final = "none"
SIGV4: Final = "sigv4"


def add_auth_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that says who is admitted."""
    parser.add_argument(
        "--auth",
        choices=(NONE, SIGV4),
        default=NONE,
        help="none: whoever reaches a loopback address; sigv4: who signs with an"
        " access key of `stepwell keys` (%(default)s)",
    )


def admitted(options: argparse.Namespace) -> Callable[[str], str]:
    """Return what decides on which addresses a server may listen."""
    from cli.listening import any_address, loopback_only

    return any_address if options.auth == SIGV4 else loopback_only


def master_keys(options: argparse.Namespace) -> MasterKeys | None:
    """Return the master keys; there must be one where requests must be signed."""
    from storage import master_keys as kept  # loads a library of ciphers

    if options.auth == NONE:
        return kept.configured_master_keys(os.environ)
    return kept.read_master_keys(os.environ)


def check_keys(
    options: argparse.Namespace, url: str, masters: MasterKeys | None
) -> None:
    """Refuse to serve with the wrong master keys; warn of access keys they do not open."""
    from cli.readablekeys import (  # loads the database's driver
        require_readable_keys,
        require_token_keys,
    )

    require_token_keys(url, masters)
    if options.auth == SIGV4 and masters is not None:
        require_readable_keys(url, masters)


def require_access_key(options: argparse.Namespace) -> None:
    """Refuse to start a worker beside the server that would have no key to sign with."""
    if options.auth == SIGV4 and not os.environ.get("AWS_ACCESS_KEY_ID"):
        raise UsageError(
            "the worker beside the server signs with the key in AWS_ACCESS_KEY_ID:"
            ' eval "$(stepwell keys create me --preset admin --export)"'
        )
