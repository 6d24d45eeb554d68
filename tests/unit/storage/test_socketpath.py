"""Every data folder gets a path that is short enough for a socket."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.errors import EmbeddedServerError
from storage.socketpath import client_folder, is_usable

LONG = "folder" * 20


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Return a folder with a short path, which pytest's own is not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "h"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "r"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / LONG))
    return tmp_path / "h"


def test_a_short_path_is_used_as_it_is() -> None:
    assert client_folder(Path("/srv/data/postgresql")) == Path("/srv/data/postgresql")


@pytest.mark.parametrize("name", [LONG, "a,b"])
def test_an_unfit_path_gets_a_link(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()

    link = client_folder(folder)

    assert is_usable(link)
    assert link.resolve() == folder
    assert link.parent.stat().st_mode & 0o022 == 0
    assert client_folder(folder) == link


def test_a_folder_that_others_may_write_to_is_passed_over(
    tmp_path: Path, home: Path
) -> None:
    (home / ".cache" / "stepwell").mkdir(parents=True)
    (home / ".cache" / "stepwell").chmod(0o777)

    assert client_folder(tmp_path / LONG).parent == tmp_path / "r" / "stepwell"


def test_no_place_for_a_link_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / LONG))
    monkeypatch.delenv("XDG_RUNTIME_DIR")

    with pytest.raises(EmbeddedServerError, match="choose a shorter data folder"):
        client_folder(tmp_path / LONG)
