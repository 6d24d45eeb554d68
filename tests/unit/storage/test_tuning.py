"""The embedded server's settings suit the machine and give up no safety."""

import pytest

from storage.tuning import MEBIBYTE, render_settings, tuned_settings


@pytest.mark.parametrize(
    ("memory", "shared"), [(256, "64MB"), (1024, "128MB"), (65536, "256MB")]
)
def test_buffers_follow_the_machine(memory: int, shared: str) -> None:
    assert tuned_settings(memory * MEBIBYTE)["shared_buffers"] == shared


def test_nothing_unsafe_is_set() -> None:
    settings = tuned_settings(1024 * MEBIBYTE)

    assert settings["fsync"] == "on"
    assert settings["full_page_writes"] == "on"
    assert settings["synchronous_commit"] == "on"


def test_settings_become_lines() -> None:
    assert "\nfsync = 'on'\njit = 'off'\n" in render_settings(
        {"jit": "off", "fsync": "on"}
    )
