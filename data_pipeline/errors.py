"""Errors that users of the programs can cause and mend."""

from repose_tf.errors import UserError


class UsageError(UserError):
    """A request that cannot be met."""


class DataError(UserError, ValueError):
    """Files that cannot be used; the message names the file or key, what was expected and what was found."""


class PictureError(DataError):
    """One picture or video that cannot be read; the others may be fine."""


class WorkerError(DataError):
    """A worker that ended before its work; what was done is kept, and the same command goes on."""


class WriteError(UserError):
    """A file or folder that cannot be written; what was there before is as it was."""
