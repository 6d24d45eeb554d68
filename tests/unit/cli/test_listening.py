"""Taking a port, and what is said when it cannot be had."""

import socket
from collections.abc import Callable, Iterator

import pytest

from cli.errors import UsageError
from cli.listening import any_address, join, listen, loopback_only, reserve


@pytest.fixture
def taken() -> Iterator[int]:
    with listen("127.0.0.1", 0) as listener:
        yield listener.getsockname()[1]


def test_a_taken_port_is_refused_in_a_sentence(taken: int) -> None:
    with pytest.raises(UsageError, match=f"port {taken} of 127.0.0.1 is taken.*--port"):
        listen("127.0.0.1", taken)


def test_a_taken_port_cannot_be_reserved(taken: int) -> None:
    with pytest.raises(UsageError, match="is taken"):
        reserve("127.0.0.1", taken)


def test_several_processes_may_join_a_reserved_port() -> None:
    with reserve("localhost", 0) as reserved:
        port = reserved.getsockname()[1]
        with join("127.0.0.1", port), join("127.0.0.1", port):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_nobody_answers_where_a_port_is_only_reserved() -> None:
    with reserve("127.0.0.1", 0) as reserved, pytest.raises(ConnectionRefusedError):
        socket.create_connection(reserved.getsockname(), timeout=5)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
@pytest.mark.parametrize("take", [listen, reserve, join])
def test_only_loopback_addresses_are_listened_on(
    host: str, take: Callable[[str, int], socket.socket]
) -> None:
    with pytest.raises(UsageError, match=r"no loopback address.*--auth sigv4"):
        take(host, 0)


@pytest.mark.parametrize("admit", [loopback_only, any_address])
@pytest.mark.parametrize("host", ["example.org", "", "127.1"])
def test_what_is_no_address_is_refused(admit: Callable[[str], str], host: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        listen(host, 0, admit)


def test_any_address_is_listened_on_where_requests_are_signed() -> None:
    with listen("0.0.0.0", 0, any_address) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"


def test_an_impossible_port_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot listen on port 70000"):
        listen("127.0.0.1", 70_000)
