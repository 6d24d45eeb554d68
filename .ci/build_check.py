"""Build both distribution forms and prove that the wheel works: `make build`.

* sdist and wheel are built, the wheel from the sdist.
* The wheel holds exactly the files of the tree, each where it belongs, and puts nothing
  but `stepwell` into site-packages.
* It is installed into a clean environment and runs a workflow in a folder that has a
  package `storage` of its own, with functions that import that very package.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SERVER: Final = (
    "asl",
    "runtime",
    "storage",
    "scheduler",
    "engine",
    "api",
    "console",
    "cli",
    "alembic",
    "alembic.ini",
    "examples",
)

MACHINE: Final = {
    "StartAt": "Greet",
    "States": {
        "Greet": {
            "Type": "Task",
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:greet",
            "End": True,
        }
    },
}
FUNCTIONS: Final = """
from storage import GREETING
from stepwell import task


@task("greet")
def greet(event):
    return {"greeting": GREETING}
"""
GREETING: Final = "from the storage of the user"


def main() -> None:
    """Build, compare, install, run."""
    with tempfile.TemporaryDirectory(prefix="stepwell-build-") as name:
        folder = Path(name)
        wheel = build(folder / "dist")
        compare(wheel)
        programs = install(wheel, folder / "venv")
        run_workflow(programs, folder / "project")
    print(
        "Build check: sdist, wheel and a workflow beside a foreign storage/ are well."
    )


def build(target: Path) -> Path:
    """Build sdist and wheel; return the wheel."""
    say("building sdist and wheel")
    run([sys.executable, "-m", "build", "--outdir", str(target), str(ROOT)])
    (sdist,) = target.glob("*.tar.gz")
    (wheel,) = target.glob("*.whl")
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers()}
    lost = {path for path in tracked() if not path.startswith(".")} - names
    expect(not lost, f"the sdist lacks {sorted(lost)}")
    return wheel


def compare(wheel: Path) -> None:
    """Compare the wheel's files with the tree's."""
    say("comparing the wheel with the tree")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packed = {name for name in names if ".dist-info/" not in name}
    wanted = {place(path) for path in tracked() if is_packed(path)}
    expect(not wanted - packed, f"the wheel lacks {sorted(wanted - packed)}")
    expect(not packed - wanted, f"the wheel has too much: {sorted(packed - wanted)}")


def tracked() -> list[str]:
    """Return the paths of the repository's files."""
    listed = run(["git", "-C", str(ROOT), "ls-files"])
    return [path for path in listed.splitlines() if (ROOT / path).exists()]


def is_packed(path: str) -> bool:
    """Tell whether a file of the repository belongs into the wheel."""
    return path.split("/")[0] in ("stepwell", *SERVER)


def place(path: str) -> str:
    """Return where a file of the repository belongs in the wheel."""
    return path if path.startswith("stepwell/") else f"stepwell/server/{path}"


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel into a clean environment; return the folder of its programs."""
    say("installing the wheel into a clean environment")
    run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", str(wheel)])
    return folder / "bin"


def run_workflow(programs: Path, project: Path) -> None:
    """Run a workflow whose functions import a package `storage` of the user's own."""
    say("running a workflow beside a foreign storage/")
    (project / "storage").mkdir(parents=True)
    (project / "storage" / "__init__.py").write_text(f"GREETING = {GREETING!r}\n")
    (project / "app.py").write_text(FUNCTIONS)
    (project / "greet.asl.json").write_text(json.dumps(MACHINE))
    command = ["run", "greet.asl.json", "--input", "{}", "--functions", "app.py"]
    for stepwell in ([str(programs / "stepwell")], python_module(programs)):
        output = run([*stepwell, *command], cwd=project)
        expect(GREETING in output, f"the workflow's output is {output}")


def python_module(programs: Path) -> list[str]:
    """Return the other way to start: it has the current folder on Python's path."""
    return [str(programs / "python"), "-m", "stepwell"]


def run(command: list[str], cwd: Path = ROOT) -> str:
    """Run a program to its end and return its output; stop if it fails."""
    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONPATH"
    }
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    words = " ".join(command)
    expect(not done.returncode, f"{words} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def say(what: str) -> None:
    """Tell what happens next."""
    print(f"Build check: {what} ...", flush=True)


def expect(holds: bool, otherwise: str) -> None:
    """Stop with a message unless something holds."""
    if not holds:
        sys.exit(f"Build check: {otherwise}")


if __name__ == "__main__":
    main()
