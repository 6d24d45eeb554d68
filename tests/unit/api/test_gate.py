from __future__ import annotations

import pytest

from api.errors import AccessDeniedException
from api.gate import LoopbackGate

GATE = LoopbackGate(8083)
HOST = b"localhost:8083"


@pytest.mark.parametrize(
    "host",
    [
        b"localhost:8083",
        b"127.0.0.1:8083",
        b"[::1]:8083",
        b"LocalHost:8083",
        b"sync-localhost:8083",
        b"sync-127.0.0.1:8083",
    ],
)
def test_loopback_name_with_the_port_is_admitted(host: bytes) -> None:
    GATE.check({b"host": host})


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"localhost",
        b"localhost:80",
        b"example.com:8083",
        b"localhost.example:8083",
        b"10.0.0.1:8083",
        b"sync-sync-localhost:8083",
    ],
)
def test_any_other_host_is_refused(host: bytes) -> None:
    with pytest.raises(AccessDeniedException):
        GATE.check({b"host": host})


def test_absent_host_is_refused() -> None:
    with pytest.raises(AccessDeniedException):
        GATE.check({})


@pytest.mark.parametrize(
    "origin", [b"http://example.com", b"null", b"https://localhost:8083"]
)
def test_foreign_origin_is_refused(origin: bytes) -> None:
    with pytest.raises(AccessDeniedException):
        GATE.check({b"host": HOST, b"origin": origin})


@pytest.mark.parametrize("site", [b"cross-site", b"same-site"])
def test_foreign_site_is_refused(site: bytes) -> None:
    with pytest.raises(AccessDeniedException):
        GATE.check({b"host": HOST, b"sec-fetch-site": site})


def test_own_pages_are_admitted() -> None:
    GATE.check(
        {b"host": HOST, b"origin": b"http://" + HOST, b"sec-fetch-site": b"same-origin"}
    )


def test_default_port_may_be_left_out() -> None:
    LoopbackGate(80).check({b"host": b"localhost"})
