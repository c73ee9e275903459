"""The base of every error that a user can cause and mend."""


class UserError(Exception):
    """A user's mistake, in one line: what and where, what was expected and what was found.

    Programs print it as `error: ...` and end with exit code 1. Every other exception is a bug and keeps its traceback.
    """


class ModelError(UserError):
    """Files that are no model, or a damaged one, or a model that cannot do what it is asked for."""
