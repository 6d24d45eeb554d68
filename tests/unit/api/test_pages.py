from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import InvalidToken
from api.pages import PageTokens
from scheduler.clock import VirtualClock

KEYS = {1: b"k" * 32, 2: b"l" * 32}
ASKED = {"stateMachineArn": "arn", "statusFilter": None}


def tokens(
    clock: VirtualClock | None = None, keys: dict[int, bytes] = KEYS
) -> PageTokens:
    return PageTokens(keys, clock or VirtualClock())


def test_token_gives_back_its_position() -> None:
    token = tokens().issue("ListExecutions", ASKED, [1, "x"])

    assert tokens().open(token, "ListExecutions", ASKED) == [1, "x"]


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("ListActivities", ASKED),
        ("ListExecutions", {**ASKED, "statusFilter": "FAILED"}),
    ],
)
def test_token_is_bound_to_what_was_asked(
    operation: str, arguments: dict[str, str | None]
) -> None:
    token = tokens().issue("ListExecutions", ASKED, 1)

    with pytest.raises(InvalidToken):
        tokens().open(token, operation, arguments)


def test_token_lives_for_a_day() -> None:
    clock = VirtualClock()
    page_tokens = tokens(clock)
    token = page_tokens.issue("ListExecutions", ASKED, 1)

    clock.advance(timedelta(hours=24))
    assert page_tokens.open(token, "ListExecutions", ASKED) == 1

    clock.advance(timedelta(seconds=1))
    with pytest.raises(InvalidToken):
        page_tokens.open(token, "ListExecutions", ASKED)


def test_token_outlives_the_rotation_of_its_key() -> None:
    token = tokens(keys={1: KEYS[1]}).issue("ListExecutions", ASKED, 1)

    assert tokens().open(token, "ListExecutions", ASKED) == 1


def test_token_dies_with_its_key() -> None:
    token = tokens(keys={1: KEYS[1]}).issue("ListExecutions", ASKED, 1)

    with pytest.raises(InvalidToken):
        tokens(keys={2: KEYS[2]}).open(token, "ListExecutions", ASKED)


def test_no_flipped_bit_is_accepted() -> None:
    token = tokens().issue("ListExecutions", ASKED, [1, "x"])
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))

    for bit in range(len(raw) * 8):
        forged = bytearray(raw)
        forged[bit // 8] ^= 1 << bit % 8
        text = urlsafe_b64encode(bytes(forged)).rstrip(b"=").decode()
        with pytest.raises(InvalidToken):
            tokens().open(text, "ListExecutions", ASKED)


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        tokens().open(text, "ListExecutions", ASKED)
