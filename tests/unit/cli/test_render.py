"""`stepwell render`: what it writes, and where."""

import io
from pathlib import Path

import pytest

from cli.main import main

ORDERS = Path(__file__).parents[3] / "examples" / "orders"
YAML = "StartAt: A\nStates:\n  A: {Type: Succeed}\n"


def test_the_picture_of_the_example_is_the_one_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "orders.svg"

    assert main(["render", str(ORDERS / "orders.asl.json"), "-o", str(output)]) == 0

    assert capsys.readouterr() == ("", "")
    assert output.read_text() == (ORDERS / "orders.svg").read_text()


def test_the_ending_says_what_is_drawn(tmp_path: Path) -> None:
    file, output = tmp_path / "a.asl.yaml", tmp_path / "a.mmd"
    file.write_text(YAML)

    assert main(["render", str(file), "--output", str(output)]) == 0
    assert output.read_text().startswith("flowchart TD\n")


def test_standard_input_and_output_are_files_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(YAML))

    assert main(["render", "-"]) == 0
    assert capsys.readouterr().out.startswith("<svg ")


def test_errors_are_said_and_the_rest_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.json"
    file.write_text('{"StartAt": "A", "States": {"A": {"Type": "Wait"}}}')

    assert main(["render", str(file)]) == 0
    shown = capsys.readouterr()
    assert 'data-state="A"' in shown.out
    assert "wrong.json:1:29: error SCHEMA_VALIDATION_FAILED: " in shown.err


@pytest.mark.parametrize(
    ("text", "output", "status", "said"),
    [
        ("[1]", "a.svg", 1, "holds nothing to draw"),
        ("{", "a.svg", 1, "holds nothing to draw"),
        ("{}", "a.png", 2, "a.png must end with .svg or .mmd"),
        ("{}", "no/such/folder/a.svg", 1, "cannot write no/such/folder/a.svg"),
    ],
)
def test_what_cannot_be_done_is_said(
    text: str,
    output: str,
    status: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)

    assert main(["render", str(file), "-o", output]) == status
    assert said in capsys.readouterr().err
