"""Task tokens: made again by anybody with the key, changed by nobody."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from runtime.tokens import TokenParts, TokenSigner

EXECUTION = "6ba7b811-9dad-51d1-80b4-00c04fd430c8"
KEY = b"k" * 32
TOKEN = "AQAMa6e4EZ2tUdGAtADAT9QwyAAAAAQAB17lHSWM6Duz_zYZFnfpTQ4"


def spelled(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_of(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def test_the_token_of_an_attempt_never_changes() -> None:
    assert TokenSigner({7: KEY}).sign(12, EXECUTION, 4) == TOKEN


def test_a_token_tells_which_attempt_it_names() -> None:
    assert TokenSigner({7: KEY}).verify(TOKEN) == TokenParts(12, EXECUTION, 4)


def test_the_largest_parts_fit() -> None:
    signer = TokenSigner({65_535: KEY})

    token = signer.sign(65_535, EXECUTION, 2**32 - 1)

    assert signer.verify(token) == TokenParts(65_535, EXECUTION, 2**32 - 1)


def test_a_token_with_any_bit_flipped_is_refused() -> None:
    signer = TokenSigner({7: KEY, 6: KEY})
    raw = raw_of(TOKEN)

    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        assert signer.verify(spelled(bytes(flipped))) is None


def test_a_token_cut_or_lengthened_is_refused() -> None:
    signer = TokenSigner({7: KEY})

    for size in range(len(TOKEN)):
        assert signer.verify(TOKEN[:size]) is None
    assert signer.verify(TOKEN + "A") is None


@pytest.mark.parametrize(
    "spelling",
    [
        TOKEN + "=",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN.replace(TOKEN[5], TOKEN[5] + "!"),
        TOKEN + "é",
        "",
        "made-up-token",
        "\ud800",
    ],
)
def test_a_token_has_one_spelling(spelling: str) -> None:
    assert TokenSigner({7: KEY}).verify(spelling) is None


def test_the_last_character_of_a_token_has_one_spelling() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    signer = TokenSigner({7: KEY})

    accepted = [end for end in alphabet if signer.verify(TOKEN[:-1] + end)]

    assert accepted == [TOKEN[-1]]


def test_a_token_under_an_older_key_is_still_good() -> None:
    assert TokenSigner({7: KEY, 8: b"n" * 32}).verify(TOKEN) is not None


def test_the_newest_key_signs() -> None:
    newest = TokenSigner({7: KEY, 8: b"n" * 32}).sign(12, EXECUTION, 4)

    assert TokenSigner({8: b"n" * 32}).verify(newest) is not None


def test_a_token_under_an_unknown_key_is_refused() -> None:
    assert TokenSigner({8: KEY}).verify(TOKEN) is None


def test_a_token_under_another_secret_is_refused() -> None:
    assert TokenSigner({7: b"x" * 32}).verify(TOKEN) is None


def test_a_token_is_of_one_account() -> None:
    ours, theirs = TokenSigner({7: KEY}, "1"), TokenSigner({7: KEY}, "2")

    token = ours.sign(12, EXECUTION, 4)

    assert ours.verify(token) == TokenParts(12, EXECUTION, 4)
    assert theirs.verify(token) is None
    assert ours.verify(TOKEN) is None


@pytest.mark.parametrize("part", range(4))
def test_the_mac_of_one_task_is_worth_nothing_for_another(part: int) -> None:
    signer = TokenSigner({7: KEY})
    other = [(12, EXECUTION, 5), (13, EXECUTION, 4), (12, EXECUTION[:-1] + "9", 4)]
    mac = raw_of(TOKEN)[-16:]

    for shard, execution, event in other:
        head = raw_of(signer.sign(shard, execution, event))[:-16]
        spliced = head[: 6 * part] + raw_of(TOKEN)[6 * part : -16] + mac
        assert signer.verify(spelled(head + mac)) is None
        if spliced != raw_of(TOKEN):
            assert signer.verify(spelled(spliced)) is None
