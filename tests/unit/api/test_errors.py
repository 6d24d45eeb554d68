from __future__ import annotations

from api import errors
from api.errors import ApiError
from api.model import api_model


def test_every_modelled_error_has_a_class() -> None:
    missing = {name for name in api_model().errors if not hasattr(errors, name)}

    assert not missing


def test_name_on_the_wire_is_the_class_name() -> None:
    error = errors.ConflictException("Busy.")

    assert (error.name, error.status, str(error)) == ("ConflictException", 409, "Busy.")


def test_every_class_is_public() -> None:
    classes = {kind.__name__ for kind in ApiError.__subclasses__()}

    assert all(hasattr(errors, name) for name in classes)
