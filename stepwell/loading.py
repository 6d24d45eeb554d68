"""Loads the user's module for a worker, and finds the functions it marks.

The user's own folder comes first on `sys.path`, as it would with `python app.py`. In a
checkout of Stepwell the server's packages lie beside this one under plain names such as
`storage`; a worker takes that folder off the path, so that such a name means the
user's.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import cast

from stepwell.tasks import Function, is_marked

_PACKAGE = Path(__file__).resolve().parent


class AppError(Exception):
    """What the worker was told to serve cannot be served."""


def leave_checkout() -> None:
    """Take the server's packages off the path; in an installed wheel none are on it."""
    ours = {_PACKAGE / "server"}
    if not (_PACKAGE / "server").is_dir():
        ours.add(_PACKAGE.parent)
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() not in ours]


def load_functions(target: str) -> list[Function]:
    """Load `app.py`, `package.module` or `module:attribute` and list its functions."""
    place, _, attribute = target.partition(":")
    known = set(sys.modules)
    module = _load_file(Path(place)) if _is_file(place) else _load_module(place)
    if attribute:
        functions = _named(module, attribute)
    else:
        loaded = [sys.modules[name] for name in sys.modules.keys() - known]
        functions = _marked_in([module, *loaded])
    if not functions:
        msg = f"{target} has no function marked with @stepwell.task"
        raise AppError(msg)
    return functions


def _is_file(place: str) -> bool:
    return place.endswith(".py") or "/" in place or Path(place).is_file()


def _load_file(path: Path) -> ModuleType:
    path = path.resolve()
    if not path.is_file():
        msg = f"there is no file {path}"
        raise AppError(msg)
    _put_first(path.parent)
    name = path.stem if path.stem not in sys.modules else f"__stepwell_{path.stem}__"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        msg = f"{path} is no Python file: its name must end in .py"
        raise AppError(msg)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _load_module(name: str) -> ModuleType:
    _put_first(Path.cwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        msg = f"there is no module {name!r} in {Path.cwd()}"
        raise AppError(msg) from error


def _put_first(folder: Path) -> None:
    sys.path.insert(0, str(folder))


def _named(module: ModuleType, attribute: str) -> list[Function]:
    """What `module:attribute` names: a function, or functions in a list or a dict."""
    value: object = module
    for name in attribute.split("."):
        if not hasattr(value, name):
            msg = f"{module.__name__} has no {attribute!r}"
            raise AppError(msg)
        value = getattr(value, name)
    if isinstance(value, ModuleType):
        return _marked_in([value])
    if callable(value):
        return [cast("Callable[..., object]", value)]
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, Iterable):
        return list(value)
    msg = f"{module.__name__}:{attribute} is not a function, nor a list of them"
    raise AppError(msg)


def _marked_in(modules: Iterable[ModuleType]) -> list[Function]:
    found: dict[int, Function] = {}
    for module in modules:
        for value in list(vars(module).values()):
            if is_marked(value):
                found[id(value)] = cast("Function", value)
    return sorted(found.values(), key=lambda function: function.__qualname__)
