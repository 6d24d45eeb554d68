import pytest
from hypothesis import given
from hypothesis import strategies as st

from asl.drawing.lettering import CAPTION, DETAIL, NAME, RULE, Font, cut, wrap

FONTS = st.sampled_from([CAPTION, DETAIL, NAME, RULE])


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Short", ["Short"]),
        ("NotifyUserOfFailureAndWait", ["NotifyUserOf", "FailureAndWait"]),
        ("check the stock of the lamps", ["check the stock", "of the lamps"]),
        ("$.inventory.status == 1", ["$.inventory.", "status == 1"]),
        ("a" * 100, ["a" * 14, "a" * 12 + "…"]),
        ("", []),
        ("  \n ", []),
    ],
)
def test_texts_are_broken_at_good_places(text: str, lines: list[str]) -> None:
    assert list(wrap(text, NAME, 135, 2)) == lines


@given(st.text(), FONTS, st.floats(30, 400), st.integers(1, 5))
def test_no_line_is_wider_than_its_room(
    text: str, font: Font, room: float, most: int
) -> None:
    lines = wrap(text, font, room, most)

    assert len(lines) <= most
    assert all(font.width(line) <= room + 0.01 for line in lines)


@given(st.text(), FONTS)
def test_what_fits_is_not_cut(text: str, font: Font) -> None:
    line = " ".join(text.split())

    assert cut(text, font, font.width(line)) == line


def test_wide_letters_are_wide() -> None:
    assert RULE.width("日本") > 1.5 * RULE.width("ab")
    assert NAME.width("WW") > 2 * NAME.width("ii")
