"""Paths that yield lists: filters, slices, wildcards and `..`, by `python-jsonpath`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias, cast

import jsonpath
from jsonpath.exceptions import JSONPathError

from asl.payload import Json

Search: TypeAlias = Callable[[Json], Json]

_ENVIRONMENT: Final = jsonpath.JSONPathEnvironment()


def compile_search(rest: str) -> Search:
    """Compile what follows the root of an indefinite path; raise ValueError."""
    if not rest.startswith((".", "[")):
        msg = f"Illegal character at the start of: {rest}"
        raise ValueError(msg)
    try:
        query = _ENVIRONMENT.compile("$" + rest)
    except (JSONPathError, ValueError, RecursionError) as error:
        raise ValueError(str(error).split("\n", 1)[0]) from error

    def search(document: Json) -> Json:
        if not isinstance(document, dict | list):
            return []
        return cast("list[Json]", query.findall(document))

    return search
