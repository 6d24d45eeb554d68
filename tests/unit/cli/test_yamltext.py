"""Definitions in YAML: what they stand for, and where."""

import json
import re
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from cli.places import Place
from cli.yamltext import YamlError, read_yaml

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab~/", max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("0x1F", 31),
        ("0o17", 15),
        ("010", 10),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("~", None),
        ("", None),
        ("null", None),
        ("True", True),
        ("{a: [1, {b: }]}", {"a": [1, {"b": None}]}),
        ("1: a\ntrue: b", {"1": "a", "true": "b"}),
        ("a: 1\na: 2", {"a": 2}),
        ("a: &x {k: 1}\nb: *x", {"a": {"k": 1}, "b": {"k": 1}}),
        ("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 3", {"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}}),
        ("b: {<<: [{k: 1}, {k: 2, l: 3}]}", {"b": {"k": 1, "l": 3}}),
        ("q: |\n  {%\n  1 %}\n", {"q": "{%\n1 %}\n"}),
    ],
)  # fmt: skip
def test_a_text_stands_for_json(text: str, value: Any) -> None:
    assert read_yaml(text).value == value


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb: ]", Place(2, 4)),
        ("a: !Sub x", Place(1, 4)),
        ("a: .inf", None),
        ("? [1]\n: 2", Place(1, 3)),
        ("a: *nothing", Place(1, 4)),
        ("a: !!binary aGk=", Place(1, 4)),
        ("<<: 1", Place(1, 5)),
        ("a: \x00", Place(1, 1)),
        ("a: 1\n---\nb: 2", Place(2, 1)),
        ("&a [*a]", Place(1, 1)),
    ],
)
def test_what_stands_for_no_json_is_refused_with_a_place(
    text: str, place: Place | None
) -> None:
    if place is None:
        assert read_yaml(text).value == {"a": ".inf"}
        return

    with pytest.raises(YamlError) as refused:
        read_yaml(text)

    assert refused.value.place == place


def test_many_laughs_end_early() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    with pytest.raises(YamlError, match="behind anchors"):
        read_yaml("\n".join(lines))


def test_places_are_those_of_names_and_elements() -> None:
    places = read_yaml("a:\n  - x: 1\n  -   y\n").places

    assert {pointer: (place.line, place.column) for pointer, place in places.items()} == {
        "": (1, 1),
        "/a": (1, 1),
        "/a/0": (2, 5),
        "/a/0/x": (2, 5),
        "/a/1": (3, 7),
    }  # fmt: skip


class Writer(yaml.SafeDumper):
    """Quotes the texts that are numbers in YAML 1.2: the library knows those of 1.1."""


NUMBER = r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$|0o[0-7]+$|0x[0-9a-fA-F]+$"
Writer.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(NUMBER), list("-+.0123456789")
)


@given(VALUES)
@example("0E0")
@example("0o7")
def test_what_was_written_is_read(value: Any) -> None:
    written = yaml.dump(value, Dumper=Writer, allow_unicode=True)

    assert read_yaml(written).value == value


@given(VALUES)
def test_json_is_yaml(value: Any) -> None:
    assert read_yaml(json.dumps(value, ensure_ascii=False)).value == value


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"%#?, \n\t\\0~<")))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(YamlError):
        read_yaml(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " * 100_000, "- " * 100_000])
def test_a_deep_text_is_refused(text: str) -> None:
    with pytest.raises(YamlError):
        read_yaml(text)
