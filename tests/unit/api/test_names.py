from __future__ import annotations

import pytest

from api.errors import InvalidName
from api.names import check_name


@pytest.mark.parametrize("name", ["order", "a.b-c_d", "123", "naïve", "x=1", "(a)+'!@"])
def test_name_is_taken(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", [f"a{c}b" for c in '<>{}[]?*"#%\\^|~`$&,;:/ \t\n\x00\x1f\x7f\x9f']
)
def test_name_with_a_forbidden_character_is_refused(name: str) -> None:
    with pytest.raises(InvalidName) as caught:
        check_name(name)

    assert str(caught.value) == f"Invalid Name: '{name}'"
