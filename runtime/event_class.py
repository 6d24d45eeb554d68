"""How the classes of events are made, and built where it is hot.

The classes are checked as frozen but built as plain: a frozen `__init__` costs three times
as much, and an event is the most-built object of the engine. Nothing writes to one after
its decision has been returned.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, TypeVar, dataclass_transform

_T = TypeVar("_T")

if TYPE_CHECKING:

    @dataclass_transform(kw_only_default=True, frozen_default=True)
    def event(cls: type[_T]) -> type[_T]:
        """Declare an event class, frozen for the type checker."""
        return cls

    def builder(cls: type[_T]) -> type[_T]:
        """Return what builds events of a class: called as the class is."""
        return cls

else:

    def event(cls):
        """Make an event class: slots, keywords only, plain `__init__`."""
        return dataclass(slots=True, kw_only=True, eq=True)(cls)

    def builder(cls):
        """Return a function that builds what the class would, in a quarter of the time.

        Python packs the keywords of a class that is called into a dictionary and unpacks
        them again; those of a function it passes as they are. The function is generated, as
        the `__init__` of a dataclass is.
        """
        shown = [(field.name, field.default is MISSING) for field in fields(cls)]
        heads = [name if required else f"{name}=_{name}" for name, required in shown]
        lines = [
            f"def build(*, {', '.join(heads)}):",
            " built = new(cls)",
            *(f" built.{name} = {name}" for name, _ in shown),
            " return built",
        ]
        names = {f"_{field.name}": field.default for field in fields(cls)}
        names |= {"new": object.__new__, "cls": cls}
        exec("\n".join(lines), names)  # noqa: S102 - made of field names only
        return names["build"]
