"""Which names a state machine, an execution or an activity may have.

The length is the model's business. Here stand the characters: no white space, none of
`< > { } [ ] ? * " # % \\ ^ | ~ $ & , ; : / backtick`, no control characters.
"""

from __future__ import annotations

import re
from typing import Final

from api.errors import InvalidName

_FORBIDDEN: Final = re.compile(
    r"""[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"""
)


def check_name(name: str) -> str:
    """Return the name, or refuse it."""
    if _FORBIDDEN.search(name):
        msg = f"Invalid Name: '{name}'"
        raise InvalidName(msg)
    return name
