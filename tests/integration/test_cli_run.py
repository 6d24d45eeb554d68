"""`stepwell run`: one workflow, once, from a file."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.commands import stepwell

FUNCTIONS: Final = """
from stepwell import task

class Empty(Exception):
    pass

@task("greet")
def greet(event):
    print("a function prints")
    return {"hello": event["name"]}

@task("fail")
def fail(event):
    raise Empty("nothing is left")
"""
ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(FUNCTIONS)
    for name in ("greet", "fail", "vanish"):
        state = {"Type": "Task", "Resource": f"{ARN}{name}", "End": True}
        write(tmp_path, name, {"StartAt": "Call", "States": {"Call": state}})
    return tmp_path


def write(folder: Path, name: str, definition: dict[str, Any]) -> None:
    (folder / f"{name}.asl.json").write_text(json.dumps(definition))


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    before = set(os.listdir(folder))
    done = stepwell("run", *words, cwd=folder)
    assert set(os.listdir(folder)) - before <= {"__pycache__"}, "it leaves nothing"
    return done


def test_stdout_is_the_output_and_nothing_else(folder: Path) -> None:
    done = run(folder, "greet.asl.json", '--input={"name":"ada"}', "--functions=app.py")

    assert (done.returncode, done.stdout) == (0, '{"hello":"ada"}\n')
    assert "Call: entered" in done.stderr
    assert "a function prints" in done.stderr


def test_a_failure_exits_with_1_and_tells_error_place_and_cause(folder: Path) -> None:
    done = run(folder, "fail.asl.json", "--functions=app.py", "--name=f-1", "--quiet")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "fail:f-1 FAILED: Empty",
        f'  File "{folder / "app.py"}", line 14, in fail',
        '    raise Empty("nothing is left")',
        "nothing is left",
    ]


def test_a_function_that_nobody_serves_is_said(folder: Path) -> None:
    done = run(folder, "vanish.asl.json", "--functions=app.py")

    assert done.returncode == 1
    assert "app.py does not serve vanish, only fail, greet" in done.stderr


def test_functions_that_cannot_be_loaded_end_it(folder: Path) -> None:
    (folder / "app.py").write_text("this is no Python")

    done = run(folder, "greet.asl.json", "--functions=app.py")

    assert done.returncode == 1
    assert "SyntaxError" in done.stderr
    assert "the functions could not be loaded" in done.stderr


def test_a_wrong_definition_is_refused_before_anything_starts(folder: Path) -> None:
    write(folder, "wrong", {"StartAt": "A", "States": {"B": {"Type": "Task"}}})

    done = run(folder, "wrong.asl.json")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) > 2
    assert "wrong.asl.json is no valid definition" in done.stderr


@pytest.mark.parametrize(
    "words",
    [("none.asl.json",), ("greet.asl.json", "--functions=none.py")],
    ids=["definition", "functions"],
)
def test_a_file_that_is_not_there_is_said(folder: Path, words: tuple[str, ...]) -> None:
    done = run(folder, *words)

    assert done.returncode == 2
    assert "none." in done.stderr
