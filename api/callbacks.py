"""Task tokens in answers: shown to whoever may answer a task, and masked for all others.

A definition puts the token of a callback into the parameters of its task, and those into the
history, the input of a child execution, or whatever a state makes of them. Whoever may read
those must not be able to answer for a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from api.access.actions import EVERYTHING, SEND_TASK
from api.context import Api
from api.wire import Response
from runtime.tokens import TokenSigner

MASK: Final = "<task token>"

# What a token looks like: also in the middle of other letters, and over another beginning.
_LIKE_A_TOKEN: Final = re.compile(r"(?=(AQ[A-Za-z0-9_-]{53}))")


def without_tokens(api: Api, response: Response) -> Response:
    """Return a response as the caller may see it."""
    resource = api.site.state_machine(EVERYTHING)
    if any(api.caller.may(action, resource) for action in SEND_TASK):
        return response
    masked: Response = _masked(response, api.tokens)
    return masked


def _masked(value: Any, tokens: TokenSigner) -> Any:
    if isinstance(value, str):
        return masked_text(value, tokens)
    if isinstance(value, Mapping):
        return {name: _masked(item, tokens) for name, item in value.items()}
    if isinstance(value, list):
        return list(map(partial(_masked, tokens=tokens), value))
    return value


def masked_text(text: str, tokens: TokenSigner) -> str:
    """Return a text without the tokens that were made here."""
    found = {match[1] for match in _LIKE_A_TOKEN.finditer(text)}
    for token in found:
        if tokens.verify(token) is not None:
            text = text.replace(token, MASK)
    return text
