"""Set up a virtual environment with Stepwell and every extra: `make install`.

Needs nothing but Python's standard library, and says what it does and what went wrong.
"""

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
EXTRAS: Final = "aws,dev"
NO_VENV: Final = """\
Python {version} at {executable} cannot create virtual environments: it lacks `ensurepip`.
On Debian and Ubuntu install it with:   apt-get install python{version}-venv
On others use a Python that has it:     make install PYTHON=/path/to/python3
"""
FAILED: Final = """\
The installation failed; the lines above say why. It is safe to run it again.
Where packages come from a mirror, set PIP_INDEX_URL to its address.
"""


def main() -> None:
    """Create the environment if it is missing or broken, and install into it."""
    folder = ROOT / sys.argv[1]
    python = folder / "bin" / "python"
    begun = time.monotonic()
    if not runs(python):
        create(folder)
    print(f"Installing Stepwell into {folder} (the first time takes a minute) ...")
    install(python)
    print(f"Installed in {time.monotonic() - begun:.0f} s.")


def runs(python: Path) -> bool:
    """Tell whether an environment is there, whole, and of a version that will do."""
    supported = (
        "import pip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
    )
    try:
        return subprocess.run([python, "-c", supported], check=False).returncode == 0
    except OSError:
        return False


def create(folder: Path) -> None:
    """Create an empty environment."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(NO_VENV.format(version=version, executable=sys.executable))
    print(f"Creating a virtual environment for Python {version} in {folder} ...")
    command = [sys.executable, "-m", "venv", "--clear", str(folder)]
    if subprocess.run(command, check=False).returncode:
        sys.exit(NO_VENV.format(version=version, executable=sys.executable))


def install(python: Path) -> None:
    """Install the repository, so that changes to it take effect at once."""
    command = [str(python), "-m", "pip", "install", "--quiet"]
    command += ["--disable-pip-version-check", "--editable", f"{ROOT}[{EXTRAS}]"]
    if subprocess.run(command, check=False).returncode:
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
