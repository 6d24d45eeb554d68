"""How long files and functions may be: short enough to be read as a whole.

Linters count branches and statements; these tests count lines, and nesting.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = (
    "asl",
    "runtime",
    "storage",
    "scheduler",
    "engine",
    "api",
    "console",
    "cli",
    "stepwell",
    "tests",
    "benchmarks",
)
LONGEST_FILE: Final = 600
LONGEST_FUNCTION: Final = 50
DEEPEST_NESTING: Final = 3
FORBIDDEN_NAMES: Final = {"utils", "helpers", "common", "misc"}

# Pure lists of small classes or of names: they read as tables.
TABLES: Final = frozenset({"runtime/events.py"})

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
NESTING: Final = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.Try,
    ast.With,
    ast.AsyncWith,
    ast.Match,
)


def sources() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text()


def functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: Function) -> int:
    """Count the lines of a function's body, without its docstring."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def depth(node: ast.AST) -> int:
    """Count how deep statements of a function lie in one another."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        inner = depth(child) + isinstance(child, NESTING)
        # An `elif` is one step with its `if`, not one inside it.
        if isinstance(node, ast.If) and node.orelse == [child]:
            inner -= isinstance(child, ast.If)
        deepest = max(deepest, inner)
    return deepest


def test_no_file_is_too_long() -> None:
    too_long = {
        path: lines
        for path, text in sources()
        if (lines := text.count("\n")) > LONGEST_FILE and path not in TABLES
    }

    assert too_long == {}


def test_no_function_is_too_long() -> None:
    too_long = {
        f"{path}:{function.name}": length(function)
        for path, text in sources()
        for function in functions(ast.parse(text))
        if length(function) > LONGEST_FUNCTION
    }

    assert too_long == {}


def test_no_function_is_nested_too_deep() -> None:
    too_deep = {
        f"{path}:{function.name}": depth(function)
        for path, text in sources()
        for function in functions(ast.parse(text))
        if depth(function) > DEEPEST_NESTING
    }

    assert too_deep == {}


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = [path for path, _ in sources() if Path(path).stem in FORBIDDEN_NAMES]

    assert drawers == []
