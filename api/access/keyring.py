"""The access keys that are in use here, kept in memory and looked at every second.

A request with a key that is known costs no query. A key that was disabled, or given another
secret or policy, is forgotten at the next look, and what still lasts under it is ended. When
the database cannot be asked for a while, every key is forgotten; but scrapes go on under
what was known last, for they are how somebody learns of it.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

import structlog
from psycopg import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

from api.access.callers import Caller
from api.access.policies import Policy, PolicyError, parse_policy
from api.access.presets import preset_policy
from api.access.sigv4 import signing_key
from api.arns import Site
from api.engine_errors import public_error
from api.errors import ApiError, ServiceUnavailable, UnrecognizedClientException
from api.polls import Dismissal
from scheduler.clock import Clock
from storage.access_keys import ActiveKey
from storage.master_keys import MasterKeyError, MasterKeys

_KEY_ID: Final = re.compile(r"SWK[A-Z2-7]{17}")
_LOOK_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 10.0
_DAYS_KEPT: Final = 2
_LOADS_AT_ONCE: Final = 2
# Why what lasts under a key is ended: only the first is the end of the key.
_DISABLED: Final = (UnrecognizedClientException, "The access key was disabled.")
_CHANGED: Final = (
    ServiceUnavailable,
    "The access key was changed; the same request again finds out.",
)
_UNKNOWN: Final = (ServiceUnavailable, "The database cannot be reached.")
_UNREACHABLE: Final = (InterfaceError, OperationalError, PoolTimeout, OSError)

_log = structlog.get_logger(__name__)


class StoredKeys(Protocol):
    """Where the keys are, as `storage.access_keys.AccessKeys`."""

    async def active(self, key_ids: Sequence[str]) -> list[ActiveKey]:
        """Return those of some keys that may be used."""


class Key:
    """One key that may be used: who it stands for, and how it signs."""

    def __init__(self, record: ActiveKey, secret: str, site: Site) -> None:
        """Take the key as stored, and its secret in the clear."""
        self.record = record
        self.ended = Dismissal()
        self.caller = Caller(
            arn=f"arn:aws:iam::{site.account}:user/{record.name}",
            account=site.account,
            key_id=record.key_id,
            name=record.name,
            policy=_policy(record),
            ended=self.ended,
        )
        self._secret = secret
        self._region = site.region.encode()
        self._signing: dict[tuple[bytes, bytes], bytes] = {}

    def is_still(self, record: ActiveKey, secret: str) -> bool:
        """Tell whether a record, however it is encrypted, is this key as it was."""
        same = replace(record, secret=self.record.secret) == self.record
        return same and secret == self._secret

    def has_secret(self, given: bytes) -> bool:
        """Tell, in a time that tells nothing, whether that is the secret."""
        return hmac.compare_digest(given, self._secret.encode())

    def signing_key(self, day: bytes, service: bytes) -> bytes:
        """Return the derived key of a day, kept because every request needs it."""
        key = self._signing.get((day, service))
        if key is None:
            key = signing_key(self._secret, day, self._region, service)
            while len(self._signing) >= _DAYS_KEPT:
                del self._signing[next(iter(self._signing))]
            self._signing[day, service] = key
        return key


def _policy(record: ActiveKey) -> Policy:
    if record.preset is not None:
        return preset_policy(record.preset)
    assert record.policy is not None, "a key has a preset or a policy"
    return parse_policy(record.policy)


def unusable_key() -> UnrecognizedClientException:
    """Return the refusal of a key that is there, and that this server cannot use."""
    return UnrecognizedClientException(
        "The access key cannot be used: this server cannot read its secret or its policy,"
        " and its log says why. Ask the server's operator, or for another key."
    )


class Keyring:
    """The keys by id."""

    def __init__(
        self, keys: StoredKeys, masters: MasterKeys, site: Site, clock: Clock
    ) -> None:
        """Take where the keys are stored, and what opens their secrets."""
        self._keys = keys
        self._masters = masters
        self._site = site
        self._clock = clock
        self._known: dict[str, Key] = {}
        # Those that were known when the database was last reached.
        self._last_known: dict[str, Key] = {}
        self._unusable: dict[str, ActiveKey] = {}
        self._looked_at = clock.monotonic()
        # Strangers who make ids up must not take every connection of the pool.
        self._loads = asyncio.Semaphore(_LOADS_AT_ONCE)

    async def find(self, key_id: str) -> Key | None:
        """Return a key that may be used."""
        key = self._known.get(key_id)
        if key is None and _KEY_ID.fullmatch(key_id):
            key = await self._load(key_id)
        return key

    async def find_last_known(self, key_id: str) -> Key | None:
        """Return a key that may be used, or might be when the database was away."""
        return self._last_known.get(key_id) or await self.find(key_id)

    async def watch(self) -> None:
        """Look at the keys in use until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Forget the keys that may not be used any more, or not as before."""
        try:
            await self._look()
        except Exception as error:  # noqa: BLE001 - who stops looking trusts for ever
            _log.warning("access keys not looked at", error=repr(error))
            self._lose_patience()

    async def _look(self) -> None:
        known = dict(self._known)
        asked = list(known | self._last_known)
        if asked:
            active = await self._keys.active(asked)
            records = {record.key_id: record for record in active}
            for key_id, key in known.items():
                self._compare(key, records.get(key_id))
        self._last_known.clear()
        self._looked_at = self._clock.monotonic()

    def _compare(self, key: Key, record: ActiveKey | None) -> None:
        """Forget a key that is not as it was; one that is only encrypted anew goes on."""
        if record == key.record:
            return
        if record is not None and self._is_reencrypted(key, record):
            key.record = record
        else:
            self._forget(key.record.key_id, _DISABLED if record is None else _CHANGED)

    def _is_reencrypted(self, key: Key, record: ActiveKey) -> bool:
        try:
            return key.is_still(
                record, self._masters.open(record.secret, record.key_id)
            )
        except MasterKeyError:
            return False

    async def _load(self, key_id: str) -> Key | None:
        try:
            async with self._loads:
                records = await self._keys.active([key_id])
        except _UNREACHABLE as error:
            raise public_error(error) from error
        for record in records:
            return self._known.setdefault(key_id, self._read(record))
        return None

    def _read(self, record: ActiveKey) -> Key:
        try:
            secret = self._masters.open(record.secret, record.key_id)
            return Key(record, secret, self._site)
        except (MasterKeyError, PolicyError) as error:
            self._report(record, error)
            raise unusable_key() from error

    def _report(self, record: ActiveKey, error: Exception) -> None:
        """Log once why a key cannot be used: whoever has it may go on asking."""
        if self._unusable.get(record.key_id) != record:
            self._unusable[record.key_id] = record
            _log.error("access key unreadable", key=record.key_id, reason=str(error))

    def _forget(self, key_id: str, why: tuple[type[ApiError], str]) -> None:
        key = self._known.pop(key_id)
        _log.info("access key withdrawn", key=key_id, name=key.record.name, why=why[1])
        key.ended.give(*why)

    def _lose_patience(self) -> None:
        if self._clock.monotonic() - self._looked_at > _PATIENCE_SECONDS:
            self._last_known |= self._known
            for key_id in list(self._known):
                self._forget(key_id, _UNKNOWN)
