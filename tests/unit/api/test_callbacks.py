from __future__ import annotations

import pytest

from api.callbacks import MASK, masked_text
from runtime.tokens import TokenSigner

SIGNER = TokenSigner({7: b"k" * 32}, "1")
EXECUTION = "6ba7b811-9dad-51d1-80b4-00c04fd430c8"
TOKEN = SIGNER.sign(12, EXECUTION, 4)
OTHER = SIGNER.sign(13, EXECUTION, 9)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f'{{"token":"{TOKEN}"}}', f'{{"token":"{MASK}"}}'),
        (f"https://x/approve?t={TOKEN}&u=1", f"https://x/approve?t={MASK}&u=1"),
        (f"glued{TOKEN}glued", f"glued{MASK}glued"),
        (f"AQAQ{TOKEN}{OTHER}", f"AQAQ{MASK}{MASK}"),
        (f"\\n{TOKEN} {TOKEN}", f"\\n{MASK} {MASK}"),
        ("AQ" + "A" * 100, "AQ" + "A" * 100),
        ("nothing", "nothing"),
    ],
)
def test_tokens_are_masked_wherever_they_stand(text: str, masked: str) -> None:
    assert masked_text(text, SIGNER) == masked


def test_what_only_looks_like_a_token_stays() -> None:
    foreign = TokenSigner({7: b"k" * 32}, "2").sign(12, EXECUTION, 4)

    assert masked_text(foreign, SIGNER) == foreign
