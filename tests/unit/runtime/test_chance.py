"""Chance from a seed."""

from __future__ import annotations

import uuid

from runtime.chance import SeededEntropy


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, other = SeededEntropy(b"seed"), SeededEntropy(b"seed")

    assert [one.random() for _ in range(9)] == [other.random() for _ in range(9)]


def test_another_seed_gives_other_numbers() -> None:
    assert SeededEntropy(b"a").random() != SeededEntropy(b"b").random()


def test_the_numbers_of_a_seed_never_change() -> None:
    entropy = SeededEntropy(b"seed")

    assert (entropy.random(), entropy.uuid()) == (
        0.08978903668312921,
        "713f979b-4976-42b2-9b35-367b10565331",
    )


def test_numbers_lie_between_nothing_and_one() -> None:
    entropy = SeededEntropy(b"seed")

    numbers = [entropy.random() for _ in range(1_000)]

    assert all(0 <= number < 1 for number in numbers)
    assert 0.45 < sum(numbers) / 1_000 < 0.55


def test_uuids_are_random_ones_and_differ() -> None:
    entropy = SeededEntropy(b"seed")

    made = {uuid.UUID(entropy.uuid()) for _ in range(100)}

    assert len(made) == 100
    assert {one.version for one in made} == {4}


def test_a_seed_may_have_64_bytes() -> None:
    assert SeededEntropy(b"s" * 64).random() < 1
