"""Whether an answer on the wire is what botocore's model says of the operation.

botocore's own parser drops members that it does not know and misses none, so a client's
view of an answer proves little; this looks at the JSON itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.model import ListShape, Shape, StringShape, StructureShape

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "timestamp": (int, float),
    "list": (list,),
    "structure": (dict,),
    "map": (dict,),
}


def flaws(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """Yield what is wrong with a value of a shape: type, unknown or missing members, enum."""
    has_type = isinstance(value, _TYPES[shape.type_name])
    if not has_type:
        yield f"{path}: {value!r:.60} is no {shape.type_name}"
    elif isinstance(shape, StructureShape):
        yield from _members(value, shape, path)
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value):
            yield from flaws(item, shape.member, f"{path}[{number}]")
    elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {shape.enum}"


def _members(value: dict[str, Any], shape: StructureShape, path: str) -> Iterator[str]:
    yield from (f"{path}.{name}: unknown" for name in value.keys() - set(shape.members))
    yield from (
        f"{path}.{name}: missing"
        for name in shape.required_members
        if name not in value
    )
    for name, inner in shape.members.items():
        if name in value:
            yield from flaws(value[name], inner, f"{path}.{name}")
