from __future__ import annotations

from typing import Any

import pytest

from tests.wire.test_machines import error_of


@pytest.mark.parametrize("token", ["x", "AAAA", "a" * 2048, "é", "\x00"])
def test_token_not_made_here_is_refused(client: Any, token: str) -> None:
    with pytest.raises(client.exceptions.InvalidToken):
        client.send_task_heartbeat(taskToken=token)


def test_token_longer_than_any_is_refused(client: Any) -> None:
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.send_task_heartbeat(taskToken="a" * 2049)

    assert error_of(caught)[0] == "ValidationException"
