"""The keys that sign tokens: plain, or encrypted under a master key where there is one.

A server with a master key encrypts what it finds plain when it starts, provided that every
engine that lives has said it has that master key. So an installation is upgraded, or given a
master key, one server after the other, and none finds a key that it cannot read. In whatever
form a key is stored it stays the same key: the tokens that it has signed stay good.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import psycopg
import structlog

from storage.connections import Connection
from storage.errors import StorageError
from storage.master_keys import KEY_VARIABLE, MasterKeys, master_key_of
from storage.statements import statements

log = structlog.get_logger(__name__)

_SQL: Final = statements("server_keys")
_KEY_BYTES: Final = 32


class ServerKeyError(StorageError):
    """A key that signs tokens cannot be read or changed; says what helps."""


class ServerKey(NamedTuple):
    """A key as it is stored: in one of two forms."""

    key_id: int
    secret: bytes | None
    sealed: bytes | None

    @property
    def owner(self) -> str:
        """What its encrypted form belongs to."""
        return f"server key {self.key_id}"

    def opened(self, masters: MasterKeys | None) -> bytes:
        """Return what signs; raise ServerKeyError where no master key fits."""
        if self.secret is not None:
            return self.secret
        assert self.sealed is not None, "a key has one of two forms"
        if masters is None or not masters.fits(self.sealed):
            raise ServerKeyError(_missing(self.sealed, masters))
        return bytes.fromhex(masters.open(self.sealed, self.owner))

    def is_current(self, masters: MasterKeys) -> bool:
        """Tell whether it is encrypted under the first master key."""
        return self.sealed is not None and masters.is_current(self.sealed)


def _missing(sealed: bytes, masters: MasterKeys | None) -> str:
    given = "there is none" if masters is None else f"{KEY_VARIABLE} has {masters}"
    return (
        f"the key that signs tokens is encrypted under master key {master_key_of(sealed)},"
        f" and {given}: give that one; if it is lost, `stepwell keys renew --lost`, and tokens"
        " handed out before are good no more"
    )


def _forms(
    key: ServerKey, secret: bytes, masters: MasterKeys | None
) -> dict[str, int | bytes | None]:
    """Return the row of a key: encrypted where there is a master key."""
    plain = secret if masters is None else None
    sealed = None if masters is None else masters.seal(secret.hex(), key.owner)
    return {"key_id": key.key_id, "secret": plain, "sealed": sealed}


# Servers


async def read_server_keys(
    connection: Connection, masters: MasterKeys | None
) -> Mapping[int, bytes]:
    """Return the keys by id; encrypt them first, where there is a master key."""
    if masters is not None:
        await _seal(connection, masters)
    rows = await (await connection.execute(_SQL["in_use"])).fetchall()
    keys = [ServerKey(*row) for row in rows]
    return {key.key_id: key.opened(masters) for key in keys}


async def _seal(connection: Connection, masters: MasterKeys) -> None:
    async with connection.transaction():
        rows = await (await connection.execute(_SQL["lock"])).fetchall()
        plain = [key for key in map(ServerKey._make, rows) if key.secret is not None]
        if not plain or await _wait_for_others(connection, masters):
            return
        for key in plain:
            await connection.execute(
                _SQL["write"], _forms(key, key.opened(masters), masters)
            )


async def _wait_for_others(connection: Connection, masters: MasterKeys) -> bool:
    asked = {"master_key": masters.current}
    others = await (await connection.execute(_SQL["engines_without"], asked)).fetchall()
    if others:
        log.info("token keys left plain", engines_without_master_key=others)
    return bool(others)


# Commands


class ServerKeyRegister:
    """The keys that sign tokens, as a command changes them."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Take a connection in autocommit mode."""
        self._connection = connection

    def all(self) -> list[ServerKey]:
        """Return the keys in use."""
        return self._rows("in_use")

    def require_all_ready(self, masters: MasterKeys) -> None:
        """Refuse to go on where an engine lives that has not the first master key."""
        if lacking := self.engines_without(masters):
            msg = (
                f"engine {lacking} has not master key {masters.current} yet: restart every"
                " server with it, then try again"
            )
            raise ServerKeyError(msg)

    def engines_without(self, masters: MasterKeys) -> str:
        """Name the living engines that have not the first master key."""
        asked = {"master_key": masters.current}
        lacking = self._connection.execute(_SQL["engines_without"], asked).fetchall()
        return ", ".join(f"{pid} on {host}" for pid, host in lacking)

    def engines_with_master_keys(self) -> list[tuple[int, str, list[str]]]:
        """Return the living engines that have master keys: process, host, names of those."""
        return self._connection.execute(_SQL["master_keys"]).fetchall()

    def rotate(self, masters: MasterKeys) -> int:
        """Encrypt under the first master key what is not; return how many that were."""
        with self._connection.transaction():
            old = [key for key in self._rows("lock") if not key.is_current(masters)]
            for key in old:
                self._write(key, key.opened(masters), masters)
        return len(old)

    def unseal(self, masters: MasterKeys | None) -> int:
        """Store the keys unencrypted; return how many were not."""
        with self._connection.transaction():
            sealed = [key for key in self._rows("lock") if key.secret is None]
            for key in sealed:
                self._write(key, key.opened(masters), None)
        return len(sealed)

    def require_nothing_in_hand(self) -> None:
        """Refuse to go on while workers have attempts.

        An attempt would get another token from another key. A worker that lives and does not
        know that token would run its function again.
        """
        (count,) = self._connection.execute(_SQL["in_hand"]).fetchall()[0]
        if count:
            msg = (
                f"workers have attempts in hand ({count}), which a new key would hand out again: stop the"
                " workers, and then the servers; if they are stopped, add --workers-stopped"
            )
            raise ServerKeyError(msg)

    def renew(self, masters: MasterKeys | None) -> None:
        """Make a new key that signs; the others go on verifying what they have signed."""
        with self._connection.transaction():
            for key in self._locked_without_engines():
                key.opened(masters)
            self._add(masters)

    def replace_lost(self, masters: MasterKeys | None) -> int:
        """Make a new key that signs, and retire those that cannot be read; count them."""
        with self._connection.transaction():
            keys = self._locked_without_engines()
            lost = [key for key in keys if not _is_readable(key, masters)]
            self._retire(lost)
            self._add(masters)
        return len(lost)

    def replace_all(self, masters: MasterKeys | None) -> int:
        """Make a new key that signs, and retire every other; count them."""
        with self._connection.transaction():
            keys = self._locked_without_engines()
            self._retire(keys)
            self._add(masters)
        return len(keys)

    def _locked_without_engines(self) -> list[ServerKey]:
        keys = self._rows("lock")
        self._require_no_engine()
        return keys

    def _retire(self, keys: Iterable[ServerKey]) -> None:
        for key in keys:
            self._connection.execute(_SQL["retire"], {"key_id": key.key_id})

    def _add(self, masters: MasterKeys | None) -> None:
        (highest,) = self._connection.execute(_SQL["highest"]).fetchall()[0]
        new = ServerKey(highest + 1, None, None)
        row = _forms(new, secrets.token_bytes(_KEY_BYTES), masters)
        self._connection.execute(_SQL["insert"], row)

    def _require_no_engine(self) -> None:
        (living,) = self._connection.execute(_SQL["living"]).fetchall()[0]
        if living:
            msg = (
                f"{living} engines live, and would refuse the tokens of a new key:"
                " stop every server first"
            )
            raise ServerKeyError(msg)

    def _rows(self, name: str) -> list[ServerKey]:
        rows = self._connection.execute(_SQL[name]).fetchall()
        return [ServerKey(*row) for row in rows]

    def _write(self, key: ServerKey, secret: bytes, masters: MasterKeys | None) -> None:
        self._connection.execute(_SQL["write"], _forms(key, secret, masters))


def _is_readable(key: ServerKey, masters: MasterKeys | None) -> bool:
    try:
        key.opened(masters)
    except StorageError:
        return False
    return True
