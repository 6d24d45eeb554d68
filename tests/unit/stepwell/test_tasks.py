"""What the decorator marks, and how functions are described."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from stepwell import task
from stepwell.tasks import is_marked, task_function, task_functions


@task("check-inventory-func")
def check(event: object) -> object:
    return event


@task
async def bare(event: object, context: object) -> object:
    return context


@task()
def empty_brackets(event: object, context: object = None) -> object:
    return context


def test_a_marked_function_is_called_as_before() -> None:
    assert check({"a": 1}) == {"a": 1}


def test_names_are_given_or_the_functions_own() -> None:
    names = [task_function(function).name for function in (check, bare, empty_brackets)]

    assert names == ["check-inventory-func", "bare", "empty_brackets"]


def test_async_functions_are_known_as_such() -> None:
    assert task_function(bare).is_async
    assert not task_function(check).is_async


def test_a_wrapper_of_an_async_function_is_async() -> None:
    @task("wrapped")
    @functools.wraps(bare)
    def wrapper(event: object, context: object) -> object:
        return bare(event, context)

    assert task_function(wrapper).is_async


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda event: None, False),
        (lambda event, context: None, True),
        (lambda event, ctx: None, True),
        (lambda event, context=None: None, True),
        (lambda event, retries=3: None, False),
        (lambda *everything: None, True),
    ],
)
def test_context_is_passed_to_who_takes_it(
    function: Callable[..., Any], expected: bool
) -> None:
    assert task_function(task("x")(function)).takes_context is expected


@pytest.mark.parametrize(
    "function", [lambda: None, lambda a, b, c: None, lambda *, event: None]
)
def test_a_wrong_signature_is_refused_at_once(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="event"):
        task("x")(function)


@pytest.mark.parametrize("name", ["with space", "x" * 65, "a:b", "ä"])
def test_a_name_no_function_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a function"):
        task(name)(check)


def test_two_functions_of_one_name_are_refused() -> None:
    @task("check-inventory-func")
    def other(event: object) -> None: ...

    with pytest.raises(ValueError, match="two functions serve"):
        task_functions([check, other])


def test_one_function_under_two_imports_is_one() -> None:
    assert list(task_functions([check, check])) == ["check-inventory-func"]


def test_only_marked_functions_count() -> None:
    assert is_marked(check)
    assert not is_marked(test_only_marked_functions_count)
    assert not is_marked("check")
