"""JSONata by `jlens`, an engine in Rust."""

from __future__ import annotations

from datetime import datetime

import jlens

from asl.jsonata.engine import (
    MAX_DEPTH,
    MAX_ITEMS,
    MAX_MILLISECONDS,
    MAX_RESULT,
    MAX_STEPS,
    MAX_TEXT,
    Bindings,
    JsonataError,
    JsonataSyntaxError,
    Query,
    context_names,
)


def _roots(context: object, source: str) -> tuple[str, ...]:
    """Name what is looked up at the top level: `$$`, fields, or all of it by `$`."""
    if not context:
        return ()
    named = context_names(source)
    if "$$" in named:
        return ("$$",)
    return tuple(context) if isinstance(context, dict) else tuple(named)


class JlensEngine:
    """The engine in Rust."""

    def compile(self, source: str) -> Query:
        """Compile an expression; raise JsonataSyntaxError."""
        try:
            expression = jlens.Expression(source)
            found = expression.reads()
        except jlens.JlensError as error:
            raise JsonataSyntaxError(str(error)) from error
        names = found.get("bindings", {})
        states, context = names.get("states", {}), found.get("input")
        return Query(
            source,
            expression,
            None if found.get("everyBinding") else frozenset(names) - {"states"},
            frozenset(states) if isinstance(states, dict) else None,
            _roots(context, source),
        )

    def evaluate(
        self, query: Query, bindings: Bindings, moment: datetime, seed: int
    ) -> str | None:
        """Return the result as JSON text, None for undefined; raise JsonataError."""
        expression = query.handle
        assert isinstance(expression, jlens.Expression)
        try:
            return expression.evaluate_json(
                None,
                dict(bindings),
                timeout=MAX_MILLISECONDS / 1000,
                max_depth=MAX_DEPTH,
                max_steps=MAX_STEPS,
                max_string_length=MAX_TEXT,
                max_array_length=MAX_ITEMS,
                max_result_size=MAX_RESULT,
                now=moment,
                seed=seed,
            )
        except jlens.JlensError as error:
            raise JsonataError(error.code, str(error)) from error
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise JsonataError("D1001", str(error)) from error
