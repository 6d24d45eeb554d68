"""Which names Assign may give to variables, in both languages."""

from __future__ import annotations

import re
from typing import Final

from asl.fields import Fields

MAX_NAME: Final = 80
RESERVED: Final = "states"
_NAME: Final = re.compile(r"[^\W\d]\w*")


def check_names(assign: Fields, suffix: str = "") -> None:
    """Report the names of variables that are none; `suffix` may follow a name."""
    for field in assign.values:
        name = field.removesuffix(suffix) if suffix else field
        if name == RESERVED:
            assign.refuse(field, f"Variable name '{name}' is reserved")
        elif not _NAME.fullmatch(name) or len(name) > MAX_NAME:
            assign.refuse(field, f"Variable name '{name[:MAX_NAME]}' is not valid")
