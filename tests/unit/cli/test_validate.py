"""`stepwell validate`: what it prints, and its exit status."""

import io
import json
from pathlib import Path

import pytest

from cli.main import main

GOOD = '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'
BAD = """{"StartAt": "A",
 "States": {"A": {"Type": "Pass", "Next": "Z", "X": 1}, "B": {"Type": "Fail"}}}
"""
SUSPICIOUS = '{"StartAt": "A", "States": {"A": {"Type": "Fail", "Cause": "$.x"}}}'
YAML = """\
StartAt: A
States:
  A:
    Type: Wait
    Seconds: -1
    End: true
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("good.asl.json", GOOD),
        ("bad.asl.json", BAD),
        ("suspicious.json", SUSPICIOUS),
        ("wait.asl.yaml", YAML),
        ("broken.json", '{"StartAt": "A",\n "States"\n}'),
        ("broken.yml", "a: ]"),
        ("number.json", "}{2\0"),
        ("empty.json", ""),
        ("wait", YAML),
    ):
        (tmp_path / name).write_text(text)
    return tmp_path


def validate(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["validate", *words])
    return status, capsys.readouterr().out


def test_a_good_definition_is_well(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "good.asl.json"]) == 0
    assert capsys.readouterr() == ("", "0 errors, 0 warnings in 1 file\n")


def test_every_finding_has_its_line_in_the_order_of_the_file(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = "bad.asl.json:2:"
    target, schema = "MISSING_TRANSITION_TARGET", "SCHEMA_VALIDATION_FAILED"

    assert validate(capsys, "bad.asl.json") == (
        1,
        f"{at}35: error {target}: Missing 'Next' target: Z (at /States/A/Next)\n"
        f"{at}48: error {schema}: Field 'X' is not supported (at /States/A/X)\n"
        f'{at}57: error {target}: State "B" is not reachable. (at /States/B)\n',
    )


def test_yaml_has_the_places_of_its_own_text(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("wait.asl.yaml", "wait"):
        status, shown = validate(capsys, name)

        assert status == 1
        assert shown.startswith(f"{name}:5:5: error SCHEMA_VALIDATION_FAILED: ")


def test_what_cannot_be_read_is_a_finding(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("broken.json", "broken.yml", "number.json", "empty.json")
    status, shown = validate(capsys, *names)

    assert status == 1
    assert [line.split(": ")[:2] for line in shown.splitlines()] == [
        ["broken.json:3:1", "error INVALID_JSON_DESCRIPTION"],
        ["broken.yml:1:4", "error INVALID_YAML_DESCRIPTION"],
        ["number.json:1:1", "error INVALID_JSON_DESCRIPTION"],
        ["empty.json:1:1", "error MISSING_DESCRIPTION"],
    ]


def test_warnings_fail_a_strict_check_only(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, shown = validate(capsys, "suspicious.json")

    assert (status, shown.count(": warning NO_PATH: ")) == (0, 1)
    assert validate(capsys, "--strict", "suspicious.json") == (1, shown)


def test_several_files_as_json_are_a_line_each(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, shown = validate(capsys, "--json", "good.asl.json", "wait.asl.yaml")

    good, wait = map(json.loads, shown.splitlines())
    assert status == 1
    assert good == {"file": "good.asl.json", "result": "OK", "diagnostics": []}
    assert wait["result"] == "FAIL"
    assert wait["diagnostics"] == [
        {
            "severity": "ERROR",
            "code": "SCHEMA_VALIDATION_FAILED",
            "message": "Minimum value is 0",
            "pointer": "/States/A/Seconds",
            "line": 5,
            "column": 5,
        }
    ]


def test_standard_input_is_a_file_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(YAML))

    status, shown = validate(capsys, "-")

    assert (status, shown.partition(" ")[0]) == (1, "-:5:5:")


def test_the_type_of_machine_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = "arn:aws:states:us-east-1:123456789012:activity:a"
    state = {"Type": "Task", "Resource": resource, "End": True}
    file = tmp_path / "activity.json"
    file.write_text(json.dumps({"StartAt": "A", "States": {"A": state}}))

    assert validate(capsys, str(file)) == (0, "")
    assert validate(capsys, "--type=EXPRESS", str(file))[0] == 1


def test_a_file_that_is_not_there_is_asked_for_wrongly(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "nothing.json"]) == 2
    assert "cannot read nothing.json" in capsys.readouterr().err
