"""What can go wrong between the server and its database."""


class StorageError(Exception):
    """A failure of the database or of what surrounds it."""


class EmbeddedServerError(StorageError):
    """The embedded PostgreSQL server cannot be started, adopted or stopped."""


class VersionMismatchError(EmbeddedServerError):
    """A data folder was created by a PostgreSQL version that is not to be had here."""
