from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path

import pytest

from storage.master_keys import (
    MasterKeyError,
    MasterKeys,
    configured_master_keys,
    master_key_of,
    read_master_keys,
)

OLD, NEW = b"o" * 32, b"n" * 32


def text(key: bytes) -> str:
    return b64encode(key).decode()


def test_what_was_sealed_is_opened_for_the_same_owner() -> None:
    keys = MasterKeys([NEW])

    assert keys.open(keys.seal("secret", "A"), "A") == "secret"


def test_the_secret_of_one_row_does_not_open_in_another() -> None:
    keys = MasterKeys([NEW])

    with pytest.raises(MasterKeyError, match="was changed"):
        keys.open(keys.seal("secret", "A"), "B")


def test_no_bit_of_a_sealed_secret_can_be_changed() -> None:
    keys = MasterKeys([NEW])
    sealed = keys.seal("secret", "A")

    for place in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(MasterKeyError):
            keys.open(bytes(changed), "A")


def test_equal_secrets_are_sealed_differently() -> None:
    keys = MasterKeys([NEW])

    assert keys.seal("secret", "A") != keys.seal("secret", "A")


def test_an_older_key_opens_and_the_first_one_seals() -> None:
    both = MasterKeys([NEW, OLD])
    sealed = MasterKeys([OLD]).seal("secret", "A")

    assert both.open(sealed, "A") == "secret"
    assert not both.is_current(sealed)
    assert MasterKeys([NEW]).open(both.seal("secret", "A"), "A") == "secret"


def test_a_missing_key_is_named_as_the_reason() -> None:
    sealed = MasterKeys([OLD]).seal("secret", "A")

    with pytest.raises(MasterKeyError, match="another master key") as refused:
        MasterKeys([NEW]).open(sealed, "A")

    ids = str(MasterKeys([OLD])), str(MasterKeys([NEW]))
    assert all(name in str(refused.value) for name in ids)
    assert master_key_of(sealed) == ids[0] != ids[1]


def test_keys_are_read_from_the_environment() -> None:
    keys = read_master_keys({"STEPWELL_SECRET_KEY": f"{text(NEW)},{text(OLD)}"})

    assert keys.open(MasterKeys([OLD]).seal("secret", "A"), "A") == "secret"
    assert keys.is_current(MasterKeys([NEW]).seal("secret", "A"))


def test_keys_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{text(NEW)}\n{text(OLD)}\n")

    keys = read_master_keys({"STEPWELL_SECRET_KEY_FILE": str(file)})

    assert keys.open(MasterKeys([OLD]).seal("secret", "A"), "A") == "secret"


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "need a master key.*openssl rand -base64 32"),
        ({"STEPWELL_SECRET_KEY": " , "}, "need a master key"),
        ({"STEPWELL_SECRET_KEY": "letmein"}, "is not 32 bytes in base64"),
        ({"STEPWELL_SECRET_KEY": text(b"short")}, "is not 32 bytes in base64"),
        ({"STEPWELL_SECRET_KEY_FILE": os.devnull}, "need a master key"),
        ({"STEPWELL_SECRET_KEY_FILE": "/nowhere/key"}, "cannot be read"),
    ],
)
def test_what_is_no_master_key_is_refused(
    environment: dict[str, str], reason: str
) -> None:
    with pytest.raises(MasterKeyError, match=reason):
        read_master_keys(environment)


def test_no_master_key_need_be_configured() -> None:
    assert configured_master_keys({}) is None
    with pytest.raises(MasterKeyError, match="is not 32 bytes"):
        configured_master_keys({"STEPWELL_SECRET_KEY": "letmein"})
