from __future__ import annotations

from api.model import api_model
from api.operations import OPERATIONS


def test_table_has_every_public_operation_once() -> None:
    names = [operation.name for operation in OPERATIONS]

    assert len(set(names)) == len(names)
    assert set(names) == set(api_model().operations)


def test_table_is_in_the_order_of_the_alphabet() -> None:
    names = [operation.name for operation in OPERATIONS]

    assert names == sorted(names)


def test_function_bears_the_name_of_its_operation() -> None:
    for operation in OPERATIONS:
        expected = operation.name.lower()

        assert operation.function.__name__.replace("_", "") == expected
