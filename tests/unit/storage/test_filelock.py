"""Locks that die with their holder and live on in a child that inherits them."""

import subprocess
import sys
from pathlib import Path

import pytest

from storage.filelock import FileLock, exclusively, is_locked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_a_lock_held_alone_excludes_others(path: Path) -> None:
    with exclusively(path):
        assert is_locked(path)

    assert not is_locked(path)


def test_shared_holders_keep_each_other_from_holding_it_alone(path: Path) -> None:
    first, second = FileLock(path), FileLock(path)
    first.share()
    second.share()

    assert not first.try_acquire()
    second.release()
    assert first.try_acquire()
    first.release()


def test_a_child_keeps_the_lock_that_it_inherits(path: Path) -> None:
    lock = FileLock(path)
    lock.acquire()
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        pass_fds=[lock.descriptor],
    ) as child:
        lock.release()

        assert is_locked(path)
        child.kill()

    assert not is_locked(path)
