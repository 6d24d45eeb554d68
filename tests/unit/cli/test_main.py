"""The command line: what loads, what is said, with which exit status."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.main import COMMANDS, main, parser_of

ROOT = Path(__file__).parents[3]
HEAVY = {
    "alembic",
    "apscheduler",
    "psycopg",
    "rich",
    "sqlalchemy",
    "structlog",
    "uvicorn",
    "uvloop",
}


OURS = [command for command in COMMANDS if command.name != "worker"]


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0

    shown = capsys.readouterr().out
    assert all(f"  {command.name} " in shown for command in COMMANDS)


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["strat"]) == 2
    assert "there is no command 'strat'" in capsys.readouterr().err


@pytest.mark.parametrize("command", OURS, ids=lambda command: command.name)
def test_every_command_describes_itself(
    command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    name = command.name  # type: ignore[attr-defined]  # a Command

    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert f"usage: stepwell {name}" in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    names = [command.name for command in OURS]

    loaded = loaded_by(
        "from cli.main import _BY_NAME, parser_of\n"
        f"for name in {names}: parser_of(_BY_NAME[name])\n"
    )

    assert loaded == set()


def test_only_who_migrates_loads_what_migrates() -> None:
    loaded = loaded_by("import cli.compose, cli.examination, storage.migrate\n")

    assert loaded & {"alembic", "sqlalchemy"} == set()


def loaded_by(program: str) -> set[str]:
    """Return what is heavy of what a program loads."""
    shown = f"import sys\nprint(*({HEAVY} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program + shown],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_an_error_of_the_command_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, module = parser_of(OURS[0])

    def fail(_options: object) -> int:
        raise CommandError("the moon is full", 3)

    monkeypatch.setattr(module, "run", fail)

    assert main([OURS[0].name]) == 3
    assert capsys.readouterr().err == f"stepwell {OURS[0].name}: the moon is full\n"


def test_the_commands_are_all_documented() -> None:
    documented = (ROOT / "docs" / "commands.md").read_text()

    assert all(f"`stepwell {command.name}" in documented for command in COMMANDS)
