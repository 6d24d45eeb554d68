"""Identity: the vectors here can never change, rows and ledgers hold what they name."""

from __future__ import annotations

import uuid

import pytest

from runtime.identity import (
    attempt_id,
    execution_id_of,
    idempotency_key,
    shard_of,
    text_of_uuid_bytes,
    uuid_bytes,
    uuid_text,
)

ARN = "arn:aws:states:us-east-1:123456789012:execution:orders:order-1"


@pytest.mark.parametrize(
    ("arn", "shards", "shard"),
    [
        (ARN, 64, 12),
        (ARN, 1, 0),
        (ARN, 1024, 204),
        ("arn:aws:states:eu-west-1:000000000000:execution:m:é", 64, 14),
    ],
)
def test_the_shard_of_an_arn_never_changes(arn: str, shards: int, shard: int) -> None:
    assert shard_of(arn, shards) == shard


@pytest.mark.parametrize(
    ("generation", "execution_id"),
    [
        (1, "24b99f62-f0dd-50e4-9e95-15fb2a22e971"),
        (2, "7f372971-5939-5254-80f6-c7e1aaf7aed0"),
    ],
)
def test_the_id_of_an_execution_never_changes(
    generation: int, execution_id: str
) -> None:
    assert execution_id_of(ARN, generation) == execution_id


@pytest.mark.parametrize("name", ["", "a", "é" * 80, "order-1#1"])
def test_an_execution_id_is_a_version_5_uuid_of_the_url_namespace(name: str) -> None:
    expected = uuid.uuid5(uuid.NAMESPACE_URL, f"{name}#7")

    assert execution_id_of(name, 7) == str(expected)


@pytest.mark.parametrize("raw", [bytes(16), b"\xff" * 16, bytes(range(16))])
def test_a_uuid_text_has_its_version_and_the_standard_variant(raw: bytes) -> None:
    made = uuid.UUID(uuid_text(raw, version=4))

    assert made.version == 4
    assert made.variant == uuid.RFC_4122


def test_the_bytes_of_an_execution_id_are_those_of_the_uuid() -> None:
    execution_id = execution_id_of(ARN, 1)

    assert uuid_bytes(execution_id) == uuid.UUID(execution_id).bytes
    assert text_of_uuid_bytes(uuid_bytes(execution_id)) == execution_id


def test_all_retries_of_a_visit_share_an_idempotency_key() -> None:
    assert idempotency_key("e", 2) == "e-2"


def test_an_attempt_is_named_after_its_scheduled_event() -> None:
    assert attempt_id("e", 3) == "e-3"
