"""Whether the master keys that are given open what is stored: told before it matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from cli.counts import counted
from cli.errors import UsageError
from storage.access_keys import KeyRegister, ListedKey
from storage.database import connect
from storage.errors import StorageError
from storage.master_keys import KEY_VARIABLE, MasterKeys, master_key_of
from storage.server_keys import ServerKeyRegister

log = structlog.get_logger(__name__)

_ADVICE: Final = (
    f"Add it to {KEY_VARIABLE}, behind a comma. If it is lost, `stepwell keys disable` each,"
    " and create others."
)
_FIRST_KEY: Final = "everybody is refused: stepwell keys create NAME --preset admin"


def require_token_keys(url: str, masters: MasterKeys | None) -> None:
    """Refuse to serve where the keys that sign tokens cannot be read."""
    with connect(url, autocommit=True) as connection:
        keys = ServerKeyRegister(connection).all()
    try:
        for key in keys:
            key.opened(masters)
    except StorageError as error:
        raise UsageError(str(error)) from None


def require_readable_keys(url: str, masters: MasterKeys) -> None:
    """Refuse to serve whom no key in use would let in; warn of keys that do not."""
    with connect(url, autocommit=True) as connection:
        keys = KeyRegister(connection).all()
    unreadable = [key for key in keys if key.is_unreadable(masters)]
    in_use = [key for key in keys if key.disabled_at is None]
    if not in_use:
        log.warning("no access key", advice=_FIRST_KEY)
    if not unreadable:
        return
    if len(unreadable) == len(in_use):
        msg = f"no access key can be used: {missing(unreadable, masters)}"
        raise UsageError(msg)
    log.warning("access keys unreadable", reason=missing(unreadable, masters))


def missing(unreadable: Sequence[ListedKey], masters: MasterKeys) -> str:
    """Say which master keys are missing, for which access keys, and what helps."""
    names = sorted({master_key_of(key.secret) for key in unreadable})
    which = ", ".join(key.key_id for key in unreadable)
    return (
        f"{counted(len(unreadable), 'secret')} under master key {', '.join(names)}, where"
        f" {KEY_VARIABLE} has {masters}: {which}. {_ADVICE}"
    )
