"""Which PostgreSQL is chosen for a new data folder and for an existing one."""

from pathlib import Path

import pytest

from storage import binaries
from storage.binaries import Binaries, choose_binaries, inspect_binaries
from storage.errors import EmbeddedServerError, VersionMismatchError


def server(version: str) -> Binaries:
    return Binaries(folder=Path("/opt") / version, version=version)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(binaries.OVERRIDE, raising=False)
    monkeypatch.setattr(binaries, "embedded_binaries", lambda: server("18.6"))
    monkeypatch.setattr(
        binaries, "_installed", lambda: iter([server("15.2"), server("17rc1")])
    )


def fake_server(folder: Path, version: str) -> Path:
    for name in ("postgres", "initdb"):
        program = folder / name
        program.write_text(
            f"#!/bin/sh\necho '{name} (PostgreSQL) {version} (Distro)'\n"
        )
        program.chmod(0o755)
    return folder


def test_a_new_folder_gets_the_embedded_server() -> None:
    assert choose_binaries(None).version == "18.6"


@pytest.mark.parametrize(("major", "version"), [(15, "15.2"), (17, "17rc1")])
def test_an_existing_folder_gets_the_server_that_reads_it(
    major: int, version: str
) -> None:
    assert choose_binaries(major).version == version


def test_a_folder_that_no_server_reads_is_explained() -> None:
    with pytest.raises(VersionMismatchError) as caught:
        choose_binaries(16)

    message = str(caught.value)
    assert "created by PostgreSQL 16" in message
    assert "18.6 (/opt/18.6), 17rc1 (/opt/17rc1), 15.2 (/opt/15.2)" in message


def test_without_any_server_the_ways_out_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(binaries, "embedded_binaries", lambda: None)
    monkeypatch.setattr(binaries, "_installed", lambda: iter(()))

    with pytest.raises(EmbeddedServerError, match="STEPWELL_DATABASE_URL"):
        choose_binaries(None)


def test_the_environment_may_name_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(binaries.OVERRIDE, str(fake_server(tmp_path, "16.4")))

    assert choose_binaries(None).version == "16.4"


def test_a_wrong_name_in_the_environment_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(binaries.OVERRIDE, str(tmp_path))

    with pytest.raises(EmbeddedServerError, match="STEPWELL_POSTGRES_BIN"):
        choose_binaries(None)


def test_a_server_too_old_is_passed_over(tmp_path: Path) -> None:
    assert inspect_binaries(fake_server(tmp_path, "13.9")) is None
