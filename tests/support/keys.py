"""Access keys of test servers, and what signs with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
import botocore.config

from storage.access_keys import KeyRegister, NewKey
from storage.database import connect
from storage.master_keys import MasterKeys

MASTERS: Final = MasterKeys([b"m" * 32])


def make_key(
    url: str,
    preset: str | None = None,
    policy: str | None = None,
    name: str | None = None,
) -> NewKey:
    """Make a key in a database, named as its preset if there is no better name."""
    with connect(url, autocommit=True) as connection:
        register = KeyRegister(connection)
        name = name or preset or "own"
        return register.create(name, MASTERS, preset=preset, policy=policy)


def disable_key(url: str, key: NewKey) -> None:
    with connect(url, autocommit=True) as connection:
        KeyRegister(connection).disable(key.key_id)


def change_key(url: str, key: NewKey, preset: str) -> None:
    with connect(url, autocommit=True) as connection:
        KeyRegister(connection).change(key.key_id, preset, None)


@contextmanager
def client_of(endpoint: str, key: NewKey, **settings: Any) -> Iterator[Any]:
    """Yield a boto3 client that signs with a key."""
    config = botocore.config.Config(
        **{
            "retries": {"max_attempts": 1, "mode": "standard"},
            "inject_host_prefix": False,
            **settings,
        }
    )
    client = boto3.client(
        "stepfunctions",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key.key_id,
        aws_secret_access_key=key.secret,
        config=config,
    )
    try:
        yield client
    finally:
        client.close()
