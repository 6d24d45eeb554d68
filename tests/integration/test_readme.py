"""What the README and the docs say, done as they say it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from runtime.identity import execution_id_of, shard_of
from tests.support.commands import stepwell

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text()
ORDER_1: Final = "arn:aws:states:us-east-1:123456789012:execution:orders:order-1"


def block(language: str) -> str:
    """Return the first block of code in a language."""
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.fixture
def signup(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(block("python"))
    (tmp_path / "signup.asl.json").write_text(block("json"))
    return tmp_path


def test_the_first_workflow_runs_as_the_readme_says(signup: Path) -> None:
    command = re.search(r"^stepwell run (.*?) --input '(.*)'$", README, re.MULTILINE)
    assert command is not None
    words, text = command.groups()

    done = stepwell("run", *words.split(), f"--input={text}", cwd=signup)

    assert done.stdout == '"Welcome, ada@example.org!"\n', done.stderr
    assert "attempt 2" in done.stderr


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) < 150
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_documented_identity_is_the_real_one() -> None:
    document = (ROOT / "docs" / "durability.md").read_text()

    assert f"64 shards the shard is {shard_of(ORDER_1, 64)}," in document
    assert execution_id_of(ORDER_1, 1) in document
