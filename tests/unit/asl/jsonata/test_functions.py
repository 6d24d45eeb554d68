from typing import Any

import pytest

from asl.calculations import seeded_random
from asl.jsonata.functions import added_functions


@pytest.mark.parametrize(
    ("seed", "expected"), [(0, 0.730967787376657), (42, 0.7275636800328681)]
)
def test_a_seed_gives_what_java_gives(seed: int, expected: Any) -> None:
    assert seeded_random(seed) == expected


def test_only_the_functions_that_occur_are_added() -> None:
    names = [name for name, _ in added_functions("$uuid() & $hash(x) & $uuid()")]

    assert names == ["uuid", "hash"]
