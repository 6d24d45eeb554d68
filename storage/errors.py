"""What can go wrong between the server and its database."""


class StorageError(Exception):
    """A failure of the database or of what surrounds it."""


class EmbeddedServerError(StorageError):
    """The embedded PostgreSQL server cannot be started, adopted or stopped."""


class VersionMismatchError(EmbeddedServerError):
    """A data folder was created by a PostgreSQL version that is not to be had here."""


# The server ended the session: it idled in its transaction, or that took too long.
_ENDED = frozenset({"25P03", "25P04"})


def ends_session(sqlstate: str) -> bool:
    """Tell whether an error means that the session is gone, whatever it was doing."""
    return sqlstate[:2] == "08" or sqlstate[:3] == "57P" or sqlstate in _ENDED
