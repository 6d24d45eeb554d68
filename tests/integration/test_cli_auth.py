"""`serve --auth sigv4` as a person has it: a key, a worker, a start, and refusals."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path

import pytest

from tests.support.commands import RunningCommand, stepwell

APP = """
from stepwell import task


@task("greet")
def greet(event):
    return f"Hello, {event}!"
"""
MACHINE = """{"StartAt": "A", "States": {"A": {"Type": "Task", "End": true,
 "Resource": "arn:aws:lambda:us-east-1:123456789012:function:greet"}}}"""
MASTER = b64encode(b"m" * 32).decode()
SHOWN = re.compile(r"export (AWS_\w+)=(\S+)")


def test_everything_works_with_a_key_and_nothing_without(
    clean_database: str, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "greeting.asl.json").write_text(MACHINE)
    server = {
        "STEPWELL_DATABASE_URL": clean_database,
        "STEPWELL_SECRET_KEY": MASTER,
    }
    made = stepwell("keys", "create", "ada", "--preset=admin", "--export", extra=server)
    key = dict(SHOWN.findall(made.stdout))
    words = ("serve", "--auth=sigv4", "--host=0.0.0.0", "--port=0")

    with RunningCommand(*words, extra=server) as running:
        where = {"STEPWELL_ENDPOINT": running.endpoint}
        start = ("start", "greeting.asl.json", "--input", '"Ada"', "--wait")
        unsigned = stepwell(*start, cwd=tmp_path, extra=where)
        with RunningCommand("worker", "app.py", cwd=tmp_path, extra=where | key):
            signed = stepwell(*start, cwd=tmp_path, extra=where | key)

    assert (signed.stdout.strip(), signed.stderr) == ('"Hello, Ada!"', "")
    (change,) = (line for line in running.logged if "change granted" in line)
    assert '"operation": "CreateStateMachine"' in change
    assert '"caller": "arn:aws:iam::123456789012:user/ada"' in change
    assert unsigned.returncode == 1
    assert "`stepwell keys create` makes one" in unsigned.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("serve", "--host=0.0.0.0"), "give --auth sigv4 to listen elsewhere"),
        (("serve", "--auth=sigv4"), "access keys need a master key"),
        (("dev", "--auth=sigv4"), "access keys need a master key"),
    ],
)
def test_what_would_not_be_safe_is_refused(
    tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    refused = stepwell(*words, "--port=0", "--data=data", cwd=tmp_path)

    assert refused.returncode != 0
    assert said in refused.stderr
    assert not (tmp_path / "data").exists()


def serving(url: str, master: bytes) -> dict[str, str]:
    master_key = b64encode(master).decode()
    return {"STEPWELL_DATABASE_URL": url, "STEPWELL_SECRET_KEY": master_key}


@pytest.mark.parametrize("engines", [1, 2])
def test_a_wrong_master_key_is_told_at_once(clean_database: str, engines: int) -> None:
    create = ("keys", "create", "ada", "--preset=admin")
    stepwell(*create, extra=serving(clean_database, b"m" * 32))
    words = ("serve", "--auth=sigv4", "--port=0", f"--engines={engines}")

    refused = stepwell(*words, extra=serving(clean_database, b"x" * 32))

    assert refused.returncode == 2
    assert "no access key can be used: 1 secret under master key" in refused.stderr
    assert "`stepwell keys disable`" in refused.stderr


def test_a_server_without_the_master_key_of_the_tokens_says_so(
    clean_database: str,
) -> None:
    server = serving(clean_database, b"m" * 32)
    with RunningCommand("serve", "--port=0", extra=server) as running:
        assert running.endpoint

    plainly = {"STEPWELL_DATABASE_URL": clean_database}
    refused = stepwell("serve", "--port=0", extra=plainly)

    assert refused.returncode == 2
    assert "the key that signs tokens is encrypted under master" in refused.stderr
    assert "keys renew --lost" in refused.stderr


def test_a_server_warns_of_keys_that_it_will_refuse(clean_database: str) -> None:
    create = ("keys", "create", "ada", "--preset=admin")
    for master in (b"m" * 32, b"x" * 32):
        stepwell(*create, extra=serving(clean_database, master))
    words = ("serve", "--auth=sigv4", "--port=0")

    with RunningCommand(*words, extra=serving(clean_database, b"x" * 32)) as running:
        assert running.endpoint

    (warning,) = (line for line in running.logged if "keys unreadable" in line)
    assert "1 secret under master key" in warning


def test_dev_wants_a_key_for_its_worker(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    words = ("dev", "--auth=sigv4", "--functions=app.py", "--port=0")

    refused = stepwell(*words, cwd=tmp_path, extra={"STEPWELL_SECRET_KEY": MASTER})

    assert refused.returncode == 2
    assert "stepwell keys create" in refused.stderr
