"""Finding the user's functions, in a process of its own: the path is everybody's."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = """
import json, sys
from stepwell.loading import AppError, leave_checkout, load_functions
leave_checkout()
try:
    print(json.dumps([f({"x": 1}) for f in load_functions(sys.argv[1])]))
except AppError as error:
    print(json.dumps(str(error)))
"""
APP = """
import stepwell, storage
from more import *

@stepwell.task
def where(event):
    return storage.__file__
"""
MORE = """
import deep.tasks
import stepwell

def unmarked(event): ...

chosen = [unmarked]
"""
DEEP = """
import stepwell

@stepwell.task("deep")
def a_deep_one(event):
    return "deep"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An application with a `storage` of its own."""
    (tmp_path / "deep").mkdir()
    files = {
        "app.py": APP,
        "more.py": MORE,
        "deep/tasks.py": DEEP,
        "storage.py": "",
        "wrong.py": "import nowhere_to_be_found",
        "orders.asl.json": "{}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def loaded(target: str, folder: Path) -> object:
    """Load a target with the checkout on the path, as an editable install has it."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, target],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.stdout else done.stderr


@pytest.mark.parametrize("target", ["app.py", "app", "./app.py"])
def test_marked_functions_of_all_that_was_loaded_are_found(
    target: str, folder: Path
) -> None:
    assert loaded(target, folder) == ["deep", str(folder / "storage.py")]


@pytest.mark.parametrize(
    ("target", "answer"),
    [("more:chosen", [None]), ("app:where", None), ("more.py:unmarked", [None])],
)
def test_an_attribute_chooses_functions(
    target: str, answer: object, folder: Path
) -> None:
    assert loaded(target, folder) == (answer or [str(folder / "storage.py")])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("gone.py", "there is no file"),
        ("gone", "there is no module 'gone'"),
        ("more:gone", "more has no 'gone'"),
        ("storage", "no function marked"),
        ("orders.asl.json", "is no Python file"),
    ],
)
def test_what_cannot_be_served_is_said(target: str, message: str, folder: Path) -> None:
    assert message in str(loaded(target, folder))


def test_an_import_that_fails_inside_the_application_is_shown_as_it_is(
    folder: Path,
) -> None:
    assert "ModuleNotFoundError: No module named 'nowhere" in str(
        loaded("wrong", folder)
    )
