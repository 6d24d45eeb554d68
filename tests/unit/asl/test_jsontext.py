import pytest

from asl.errors import PayloadError
from asl.jsontext import MAX_DEPTH, dumps, loads


@pytest.mark.parametrize(
    "text",
    [
        "123456789012345678901234567890",
        "-9223372036854775809",
        '"\\ud800"',
        '{"\\udc00x":[1.5,-0.0,null,true]}',
        '"\\u0000"',
        "1e+308",
        '"\U0001f600"',
        '{"b":1,"a":2}',
    ],
)
def test_texts_survive_reading_and_writing(text: str) -> None:
    assert dumps(loads(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "-Infinity",
        "1e400",
        "9" * 5000,
        "\ufeff1",
        "'a'",
        "[1,]",
        '"a\x00"',
        "01",
    ],
)
def test_what_is_no_payload(text: str) -> None:
    with pytest.raises(PayloadError):
        loads(text)


@pytest.mark.parametrize("text", ['[NaN, "\\ud800"]', '[1e400, "\\ud800"]'])
def test_the_slow_codec_is_as_strict(text: str) -> None:
    with pytest.raises(PayloadError):
        loads(text)


def test_depth_is_limited_where_it_is_depth() -> None:
    loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    loads('["' + "[" * 2000 + '"]')
    loads("[" + ",".join(["[]"] * 2000) + "]")

    with pytest.raises(PayloadError, match="too deep"):
        loads("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_of_duplicate_keys_the_last_wins() -> None:
    assert loads('{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize("digits", range(17, 40))
@pytest.mark.parametrize("offset", range(7))
def test_long_integers_are_exact_wherever_they_stand(digits: int, offset: int) -> None:
    number = int("1" * digits)

    assert loads(" " * offset + f"[{number}]") == [number]


@pytest.mark.parametrize("sign", ["", "-"])
def test_number_of_too_many_digits_is_refused_in_plain_words(sign: str) -> None:
    assert loads(sign + "9" * 4_300) == int(sign + "9" * 4_300)

    with pytest.raises(PayloadError, match="a number has more than 4300 digits"):
        loads(sign + "9" * 4_301)
