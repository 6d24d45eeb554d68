"""The demo proves what it claims, in the time that it promises."""

from pathlib import Path

import pytest

from tests.support.commands import stepwell


@pytest.mark.slow
def test_every_claim_of_the_demo_holds(tmp_path: Path) -> None:
    done = stepwell("demo", f"--data={tmp_path / 'kept'}", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 12 claims hold" in done.stdout
    assert "NOT SO" not in done.stdout


def test_the_demo_keeps_its_data_only_in_a_new_folder(tmp_path: Path) -> None:
    done = stepwell("demo", f"--data={tmp_path}")

    assert done.returncode == 2
    assert "exists already" in done.stderr
