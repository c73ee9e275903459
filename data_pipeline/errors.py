"""What is wrong with a user's data."""


class DataError(ValueError):
    """Files that cannot be used; the message names the file or key, what was expected and what was found."""


class PictureError(DataError):
    """One picture or video that cannot be read; the others may be fine."""


class WorkerError(DataError):
    """A worker that ended before its work; what was done is kept, and the same command goes on."""
