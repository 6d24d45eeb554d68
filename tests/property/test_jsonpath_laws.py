"""Our paths against a second implementation, on documents and paths made up at random."""

from typing import Any

import jsonpath
from hypothesis import given, settings
from hypothesis import strategies as st

from asl.jsonpath.flow import put
from asl.jsonpath.path import PathMiss, compile_path
from asl.payload import Payload
from tests.support.expressions import environment

NAMES = st.sampled_from(["a", "b", "c d", "e-f"])
LEAVES = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["x", "y", ""])
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4)
    ),
    max_leaves=20,
)
DEFINITE = st.one_of(
    st.sampled_from([".a", ".b", ".e-f"]),
    NAMES.map(lambda name: f"['{name}']"),
    st.integers(-2, 3).map(lambda index: f"[{index}]"),
)
INDEFINITE = st.one_of(
    st.sampled_from(["[*]", ".*", "..a", "..*", "..[0]", "[0,1]", "[?(@.a)]"]),
    st.tuples(st.integers(-3, 3), st.integers(-3, 3)).map(lambda p: f"[{p[0]}:{p[1]}]"),
    st.sampled_from(["==", "!=", "<", ">="]).map(lambda o: f"[?(@.a {o} 1)]"),
)
DEFINITE_PATHS = st.lists(DEFINITE, max_size=4).map(lambda steps: "$" + "".join(steps))
PATHS = st.tuples(
    st.lists(DEFINITE | INDEFINITE, max_size=3),
    INDEFINITE,
    st.lists(DEFINITE, max_size=1),
).map(lambda parts: "$" + "".join([*parts[0], parts[1], *parts[2]]))


def ours(text: str, document: Any) -> Any:
    return compile_path(text).read(environment(), Payload.of_value(document))


def theirs(text: str, document: Any) -> Any:
    return jsonpath.findall(text, document)


def canonical(found: Any) -> Any:
    return sorted(map(repr, found))


@given(DEFINITE_PATHS, st.dictionaries(NAMES, DOCUMENTS) | st.lists(DOCUMENTS))
def test_definite_paths_find_what_the_other_finds(text: str, document: Any) -> None:
    try:
        found = [ours(text, document)]
    except PathMiss:
        found = []

    assert found == theirs(text, document)


@settings(max_examples=300)
@given(PATHS, st.lists(DOCUMENTS) | st.dictionaries(NAMES, DOCUMENTS))
def test_searches_find_what_the_other_finds(text: str, document: Any) -> None:
    if "?(" in text and not isinstance_everywhere(document):
        return
    document = without_texts(document) if ":" in text else document

    assert canonical(ours(text, document)) == canonical(theirs(text, document))


def without_texts(document: Any) -> Any:
    """The other implementation cuts slices out of texts, too."""
    if isinstance(document, dict):
        return {name: without_texts(value) for name, value in document.items()}
    if isinstance(document, list):
        return [without_texts(value) for value in document]
    return None if isinstance(document, str) else document


def isinstance_everywhere(document: Any) -> Any:
    """Filters differ by design: an object is itself asked, not its values."""
    if isinstance(document, dict):
        return False
    return not isinstance(document, list) or all(map(isinstance_everywhere, document))


@given(
    st.dictionaries(NAMES, DOCUMENTS),
    st.lists(NAMES, min_size=1, max_size=3),
    DOCUMENTS,
)
def test_what_was_put_is_read_back_and_nothing_else_changes(
    document: Any, steps: Any, value: Any
) -> None:
    before = repr(document)
    text = "$" + "".join(f"['{step}']" for step in steps)
    try:
        changed: Any = put(document, tuple(steps), value)
    except Exception:  # noqa: BLE001 - no place for it: nothing to compare
        return

    assert ours(text, changed) == value
    assert repr(document) == before
    assert {k: v for k, v in changed.items() if k != steps[0]} == {
        k: v for k, v in document.items() if k != steps[0]
    }
