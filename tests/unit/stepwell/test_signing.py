"""The signatures of the SDK and of the commands, held against the server's verifier."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from api.access.sigv4 import Request, read_claim, signing_key
from cli.signing import signed as signed_by_a_command
from stepwell.endpoint import Endpoint
from stepwell.signing import AccessKey, Signer, access_key

KEY_ID, SECRET = "SWKABCDEFGHIJKLMNOPQ", "secret"
TARGET = {"X-Amz-Target": "AWSStepFunctions.StartExecution"}


def is_proven(
    headers: Mapping[str, str], body: bytes, path: str = "/", secret: str = SECRET
) -> bool:
    pairs = [(name.lower().encode(), text.encode()) for name, text in headers.items()]
    request = Request(method=b"POST", path=path.encode(), query=b"", headers=pairs)
    claim = read_claim(request)
    key = signing_key(secret, claim.day, b"us-east-1", b"states")
    return claim.is_proven(key, body)


def signer(url: str) -> Signer:
    return Signer(Endpoint.parse(url), AccessKey(KEY_ID, SECRET), "us-east-1")


@pytest.mark.parametrize(
    ("url", "host", "prefix"),
    [
        ("http://127.0.0.1:8083", "127.0.0.1:8083", ""),
        ("https://user@flows.example/a%20b/", "flows.example", "/a%20b"),
        ("http://[::1]:8083", "[::1]:8083", ""),
    ],
)
def test_the_sdk_signs_what_it_sends(url: str, host: str, prefix: str) -> None:
    headers = signer(url).headers("/", b'{"a":1}', TARGET)

    sent = {"Host": host, **headers}
    assert is_proven(sent, b'{"a":1}', f"{prefix}/")
    assert not is_proven(sent, b'{"a":2}', f"{prefix}/")
    assert not is_proven(sent, b'{"a":1}', f"{prefix}/", "other")


def test_without_a_key_nothing_is_added() -> None:
    plain = Signer(Endpoint.parse("http://localhost"), None, "us-east-1")

    assert plain.headers("/", b"", TARGET) == TARGET


def test_the_commands_sign_with_the_key_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)

    headers = signed_by_a_command("POST", "/", b"{}", {"Host": "h:1", **TARGET})

    assert is_proven(headers, b"{}")


def test_the_commands_sign_nothing_without_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)

    assert signed_by_a_command("POST", "/", b"{}", TARGET) == TARGET


def test_a_key_comes_from_the_arguments_or_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "its secret")

    assert access_key("given", "its") == AccessKey("given", "its")
    assert access_key(None, None) == AccessKey("of the environment", "its secret")


def test_half_a_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an id")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)

    with pytest.raises(ValueError, match="only one of them"):
        access_key(None, None)


def test_no_key_in_the_environment_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)

    assert access_key(None, None) is None
