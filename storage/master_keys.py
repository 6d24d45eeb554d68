"""The master keys: what secrets are encrypted under before they reach the database.

They come from the environment or from a file, never from the database, so that whoever has
only the database (a backup, say) has no secret. Each is 32 random bytes in base64. The first
one encrypts; all of them decrypt, and that is how one is replaced by another:

    STEPWELL_SECRET_KEY=new,old   everywhere, then `stepwell keys rotate`, then new alone

A sealed secret is: version, id of its master key, nonce, AES-256-GCM of the text with what
the secret belongs to as associated data, so that no row can be given another row's secret.
"""

from __future__ import annotations

import binascii
import hmac
import secrets
from base64 import b64decode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage.errors import StorageError

KEY_VARIABLE: Final = "STEPWELL_SECRET_KEY"
FILE_VARIABLE: Final = "STEPWELL_SECRET_KEY_FILE"

_VERSION: Final = b"\x01"
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = len(_VERSION) + _ID_BYTES
_ADVICE: Final = f"export {KEY_VARIABLE}=$(openssl rand -base64 {_KEY_BYTES})"


class MasterKeyError(StorageError):
    """There is no master key, it is none, or it does not fit; says what helps."""


class MasterKeys:
    """Seals secrets under the first key, opens what any of the keys has sealed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take one key or more, of 32 bytes each."""
        self._ciphers = {_id_of(key): AESGCM(key) for key in keys}
        self._current = _id_of(keys[0])

    @property
    def ids(self) -> list[str]:
        """The names of the keys, telling nothing of them; the first one encrypts."""
        return [key_id.hex() for key_id in self._ciphers]

    @property
    def current(self) -> str:
        """The name of the first key."""
        return self._current.hex()

    def __str__(self) -> str:
        """Name the keys in a sentence."""
        return ", ".join(self.ids)

    def seal(self, secret: str, owner: str) -> bytes:
        """Encrypt a secret for what it belongs to."""
        head = _VERSION + self._current
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = self._ciphers[self._current]
        return head + nonce + cipher.encrypt(nonce, secret.encode(), owner.encode())

    def open(self, sealed: bytes, owner: str) -> str:
        """Decrypt a secret; raise MasterKeyError where no key fits."""
        if not self.fits(sealed):
            msg = (
                f"the secret of {owner} was encrypted under another master key,"
                f" {master_key_of(sealed)}, and there is {self}:"
                f" add that one to {KEY_VARIABLE}, behind a comma; if it is lost, disable the key"
            )
            raise MasterKeyError(msg)
        cipher = self._ciphers[sealed[len(_VERSION) : _HEAD_BYTES]]
        nonce = sealed[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES]
        rest = sealed[_HEAD_BYTES + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, rest, owner.encode()).decode()
        except InvalidTag:
            msg = f"the secret of {owner} was changed in the database"
            raise MasterKeyError(msg) from None

    def fits(self, sealed: bytes) -> bool:
        """Tell whether a secret was sealed under one of the keys."""
        is_known = sealed[len(_VERSION) : _HEAD_BYTES] in self._ciphers
        return is_known and sealed.startswith(_VERSION)

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether a secret is sealed under the first key."""
        return sealed[len(_VERSION) : _HEAD_BYTES] == self._current


def master_key_of(sealed: bytes) -> str:
    """Name the master key that a secret was sealed under."""
    return sealed[len(_VERSION) : _HEAD_BYTES].hex()


def configured_master_keys(environment: Mapping[str, str]) -> MasterKeys | None:
    """Read the keys; None where neither variable is set."""
    if not environment.get(KEY_VARIABLE) and not environment.get(FILE_VARIABLE):
        return None
    return read_master_keys(environment)


def read_master_keys(environment: Mapping[str, str]) -> MasterKeys:
    """Read the keys from STEPWELL_SECRET_KEY, or the file STEPWELL_SECRET_KEY_FILE names."""
    text, place = environment.get(KEY_VARIABLE, ""), KEY_VARIABLE
    path = environment.get(FILE_VARIABLE)
    if not text and path:
        text, place = _contents(path), path
    words = text.replace(",", " ").split()
    if not words:
        msg = f"access keys need a master key, to be kept safe: {_ADVICE}"
        raise MasterKeyError(msg)
    return MasterKeys([_key(word, place) for word in words])


def _contents(path: str) -> str:
    try:
        return Path(path).read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"the file of {FILE_VARIABLE} cannot be read: {error}"
        raise MasterKeyError(msg) from None


def _key(word: str, place: str) -> bytes:
    try:
        key = b64decode(word, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        msg = f"{place} is not {_KEY_BYTES} bytes in base64: {_ADVICE}"
        raise MasterKeyError(msg)
    return key


def _id_of(key: bytes) -> bytes:
    """Name a key without telling anything of it."""
    return hmac.digest(key, b"stepwell master key id", "sha256")[:_ID_BYTES]
