"""Who may import whom: the contracts of pyproject.toml, and proof that they bite."""

import shutil
import subprocess
import sys
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
)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache", "--config", "pyproject.toml"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """Return a folder with the same contracts and empty packages."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


def test_the_contracts_hold() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("asl", "import runtime"),
        ("runtime", "import psycopg"),
        ("runtime", "from time import monotonic"),
        ("asl", "import asyncio"),
        ("storage", "import engine"),
        ("api", "import stepwell"),
        ("stepwell", "import runtime"),
    ],
)
def test_a_forbidden_import_is_found(skeleton: Path, package: str, line: str) -> None:
    (skeleton / package / "wrong.py").write_text(f"{line}\n")

    result = lint_imports(skeleton)

    assert result.returncode != 0, result.stdout
    assert "BROKEN" in result.stdout
