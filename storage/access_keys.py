"""Access keys: who may use the API. Servers read them, `stepwell keys` writes them.

A key is never deleted: what is disabled stays in the list, and in whatever names it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from storage.connections import Connections
from storage.errors import StorageError
from storage.master_keys import MasterKeys
from storage.statements import statements

_SQL: Final = statements("access_keys")
_PREFIX: Final = "SWK"
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ID_LETTERS: Final = 17
_SECRET_BYTES: Final = 30


class AccessKeyMissingError(StorageError):
    """There is no access key of that id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveKey:
    """A key that may be used; it has a preset or a policy."""

    key_id: str
    name: str
    preset: str | None
    policy: str | None
    secret: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """What a list tells of a key."""

    key_id: str
    name: str
    preset: str | None
    policy: str | None
    created_at: datetime
    disabled_at: datetime | None
    secret: bytes

    def is_unreadable(self, masters: MasterKeys) -> bool:
        """Tell whether it is in use and no master key opens its secret."""
        return self.disabled_at is None and not masters.fits(self.secret)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as its owner gets to see it, once."""

    key_id: str
    secret: str


class AccessKeys:
    """The access keys of an installation, as a server reads them."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def active(self, key_ids: Sequence[str]) -> list[ActiveKey]:
        """Return those of some keys that may be used."""
        async with (
            self._connections() as connection,
            connection.cursor(row_factory=class_row(ActiveKey)) as cursor,
        ):
            await cursor.execute(_SQL["active"], {"key_ids": list(key_ids)})
            return await cursor.fetchall()


class KeyRegister:
    """The access keys of an installation, as a command changes them."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Take a connection in autocommit mode."""
        self.connection = connection

    def create(
        self,
        name: str,
        masters: MasterKeys,
        *,
        preset: str | None = None,
        policy: str | None = None,
    ) -> NewKey:
        """Make a key that may do what a preset says, or a policy."""
        letters = (secrets.choice(_LETTERS) for _ in range(_ID_LETTERS))
        key_id = _PREFIX + "".join(letters)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        row = {"key_id": key_id, "name": name, "preset": preset, "policy": policy}
        sealed = masters.seal(secret, key_id)
        self.connection.execute(_SQL["insert"], {**row, "secret": sealed})
        return NewKey(key_id, secret)

    def all(self) -> list[ListedKey]:
        """Return every key, the newest last."""
        with self.connection.cursor(row_factory=class_row(ListedKey)) as cursor:
            return cursor.execute(_SQL["all"]).fetchall()

    def one(self, key_id: str) -> ListedKey:
        """Return a key."""
        for key in self.all():
            if key.key_id == key_id:
                return key
        raise _missing(key_id)

    def change(self, key_id: str, preset: str | None, policy: str | None) -> None:
        """Let a key do what a preset says, or a policy, and nothing else."""
        row = {"key_id": key_id, "preset": preset, "policy": policy}
        if not self.connection.execute(_SQL["change"], row).rowcount:
            raise _missing(key_id)

    def disable(self, key_id: str) -> None:
        """End the use of a key; harmless to repeat."""
        if not self.connection.execute(_SQL["disable"], {"key_id": key_id}).rowcount:
            raise _missing(key_id)

    def rotate(self, masters: MasterKeys) -> int:
        """Encrypt under the first master key what is not; return how many that were."""
        with self.connection.transaction():
            rows = self.connection.execute(_SQL["lock_secrets"]).fetchall()
            old = [row for row in rows if not masters.is_current(row[1])]
            for key_id, sealed in old:
                secret = masters.seal(masters.open(sealed, key_id), key_id)
                self.connection.execute(
                    _SQL["replace_secret"], {"key_id": key_id, "secret": secret}
                )
        return len(old)


def _missing(key_id: str) -> AccessKeyMissingError:
    msg = f"there is no access key {key_id}: `stepwell keys list` shows them"
    return AccessKeyMissingError(msg)
