from __future__ import annotations

from collections import Counter

from api.routing import choose


def test_weights_are_kept() -> None:
    drawn = Counter(choose({"1": 90, "2": 10}, number) for number in range(100))

    assert drawn == {"1": 90, "2": 10}


def test_weight_of_nothing_is_never_chosen() -> None:
    assert {choose({"1": 0, "2": 100}, number) for number in range(100)} == {"2"}
