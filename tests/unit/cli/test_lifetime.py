"""What a long-lived process asks of its system."""

from __future__ import annotations

import resource

import pytest

from cli.lifetime import allow_many_files


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ((1_024, 4_096), [(4_096, 4_096)]),
        ((1_024, 1_048_576), [(65_536, 1_048_576)]),
        ((1_024, resource.RLIM_INFINITY), [(65_536, resource.RLIM_INFINITY)]),
        ((100_000, 100_000), []),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), []),
    ],
    ids=str,
)
def test_process_takes_as_many_files_as_it_may(
    monkeypatch: pytest.MonkeyPatch,
    limits: tuple[int, int],
    wanted: list[tuple[int, int]],
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, pair: asked.append(pair))

    allow_many_files()

    assert asked == wanted


def test_limit_that_the_system_refuses_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_kind: int, _pair: tuple[int, int]) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 10_240))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    allow_many_files()
