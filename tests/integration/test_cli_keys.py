"""`stepwell keys` as a person has it, on a database that is there."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from storage.database import connect
from storage.master_keys import MasterKeys
from tests.support.commands import stepwell

ALLOW = {"Effect": "Allow", "Resource": "*"}
MASTER = b64encode(b"m" * 32).decode()
SHOWN = re.compile(r"AWS_ACCESS_KEY_ID=(\w+)\n.*AWS_SECRET_ACCESS_KEY=(\S{40})\n")


def keys(url: str, *words: str, master: str | None = MASTER) -> CompletedProcess[str]:
    extra = {"STEPWELL_DATABASE_URL": url}
    if master is not None:
        extra["STEPWELL_SECRET_KEY"] = master
    return stepwell("keys", *words, extra=extra)


def made(url: str, *words: str) -> tuple[str, str]:
    done = keys(url, "create", *words)
    found = SHOWN.search(done.stdout)
    assert found, done.stderr
    return found[1], found[2]


def test_the_secret_is_shown_once_and_stored_encrypted(clean_database: str) -> None:
    key_id, secret = made(clean_database, "ada", "--preset", "admin")

    listed = keys(clean_database, "list").stdout
    with connect(clean_database) as connection:
        rows = connection.execute("SELECT access_keys::text FROM access_keys")
        stored = rows.fetchall()[0][0]
    assert (key_id in listed, "ada" in listed, "admin" in listed) == (True, True, True)
    assert secret not in listed
    assert secret.encode().hex() not in stored
    assert secret not in stored


def test_a_key_is_disabled_and_stays_in_the_list(clean_database: str) -> None:
    key_id, _ = made(clean_database, "ada", "--preset", "starter")

    done = keys(clean_database, "disable", key_id)

    line = keys(clean_database, "list").stdout.splitlines()[-1]
    assert done.returncode == 0
    assert len(re.findall(r"\d\d:\d\d:\d\d", line)) == 2


def test_a_key_is_changed_and_shown(clean_database: str, tmp_path: Path) -> None:
    key_id, _ = made(clean_database, "ada", "--preset", "starter")
    policy = {"Version": "2012-10-17", "Statement": [{**ALLOW, "Action": "states:*"}]}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy))

    before = keys(clean_database, "show", key_id).stdout
    done = keys(clean_database, "change", key_id, "--policy", str(file))
    after = keys(clean_database, "show", key_id).stdout

    assert json.loads(before)["Statement"][0]["Action"][0] == "states:Start*"
    assert done.stdout == f"{key_id} is changed: servers know within seconds.\n"
    assert json.loads(after) == policy


def test_a_policy_of_ones_own_is_checked_first(
    clean_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    statement = {"Effect": "Allow", "Action": "states:*", "Resource": "*"}
    good = {"Version": "2012-10-17", "Statement": [statement]}
    file.write_text(json.dumps(good))
    made(clean_database, "ada", "--policy", str(file))
    file.write_text(json.dumps({**good, "Statement": {**statement, "Condition": {}}}))

    refused = keys(clean_database, "create", "ada", "--policy", str(file))

    assert refused.returncode == 2
    assert "a statement has 'Condition'" in refused.stderr
    assert "a policy of its own" in keys(clean_database, "list").stdout


def test_rotation_leaves_nothing_under_the_old_master_key(clean_database: str) -> None:
    made(clean_database, "ada", "--preset", "admin")
    new = b64encode(b"n" * 32).decode()

    alone = keys(clean_database, "rotate", master=new)
    done = keys(clean_database, "rotate", master=f"{new},{MASTER}")
    again = keys(clean_database, "rotate", master=new)

    assert "encrypted under another master key" in alone.stderr
    assert done.stdout.startswith("Encrypted 1 secret anew")
    assert again.stdout.startswith("Encrypted 0 secrets anew")


def test_a_key_whose_master_key_is_lost_is_disabled_and_stops_no_rotation(
    clean_database: str,
) -> None:
    lost, _ = made(clean_database, "ada", "--preset", "admin")
    new = b64encode(b"n" * 32).decode()
    keys(clean_database, "disable", lost)

    done = keys(clean_database, "rotate", master=new)

    assert (done.returncode, done.stdout[:19]) == (0, "Encrypted 0 secrets")


def test_the_keys_of_tokens_are_encrypted_renewed_and_plain_again(
    clean_database: str,
) -> None:
    encrypted = keys(clean_database, "rotate")
    renewed = keys(clean_database, "renew")
    refused = keys(clean_database, "unseal", master=None)
    unsealed = keys(clean_database, "unseal")
    doubtful = keys(clean_database, "renew", "--lost", master=None)

    assert ", and 1 key of tokens" in encrypted.stdout
    assert renewed.stdout.startswith("A new key signs the tokens")
    assert "is encrypted under master key" in refused.stderr
    assert unsealed.stdout.startswith("Stored 2 keys of tokens unencrypted")
    assert doubtful.stdout.startswith("Retired 0 keys")


def let_live(url: str, capabilities: str) -> None:
    """Let an engine live, as others see it."""
    with connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO engines (id, started_at, expires_at, pid, host, capabilities)"
            " VALUES ('e', now(), now() + interval '1 hour', 7, 'h:b:n', %s)",
            [capabilities],
        )


def test_doctor_tells_which_engine_cannot_read_a_key(clean_database: str) -> None:
    made(clean_database, "ada", "--preset", "admin")
    let_live(clean_database, '{"master_keys": ["0123456789abcdef"]}')

    told = stepwell("doctor", extra={"STEPWELL_DATABASE_URL": clean_database}).stdout

    missing = MasterKeys([b"m" * 32])
    assert f"cannot read 1 access key: it has not master key {missing}" in told
    assert "FAIL  engine 7 on h" in told


def test_a_key_that_a_running_engine_could_not_read_is_told_of(
    clean_database: str,
) -> None:
    let_live(clean_database, "{}")

    done = keys(clean_database, "create", "ada", "--preset", "admin")
    rotated = keys(clean_database, "rotate")

    assert SHOWN.search(done.stdout)
    assert "engine 7 on h has not master key" in done.stderr
    assert rotated.returncode == 1
    assert "restart every server with it, then try again" in rotated.stderr


def test_the_list_names_the_master_keys_that_are_missing(clean_database: str) -> None:
    lost, _ = made(clean_database, "ada", "--preset", "admin")
    new = b64encode(b"n" * 32).decode()

    there = keys(clean_database, "list").stdout
    without = keys(clean_database, "list", master=None).stdout
    other = keys(clean_database, "list", master=new).stdout

    old_id, new_id = str(MasterKeys([b"m" * 32])), str(MasterKeys([b"n" * 32]))
    assert old_id in there
    assert without == there
    advice = (
        f"1 secret under master key {old_id}, where STEPWELL_SECRET_KEY has {new_id}"
    )
    assert f"Refused by servers: {advice}: {lost}." in other


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "ada", "--preset", "admin"), "need a master key"),
        (("create", "a da", "--preset", "admin"), "is no name"),
        (("disable", "SWKNOTHING"), "there is no access key SWKNOTHING"),
        (("show", "SWKNOTHING"), "there is no access key SWKNOTHING"),
        (
            ("change", "SWKNOTHING", "--preset", "worker"),
            "there is no access key SWKNOTHING",
        ),
    ],
)
def test_what_cannot_be_done_is_said(
    clean_database: str, words: tuple[str, ...], said: str
) -> None:
    refused = keys(clean_database, *words, master=None)

    assert refused.returncode != 0
    assert said in refused.stderr
