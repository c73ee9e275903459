"""How the programs of this folder start and fail: as those of data_pipeline/, which cannot import from here."""

from data_pipeline.program import UsageError, is_user_error, one_line, run

__all__ = ['UsageError', 'is_user_error', 'one_line', 'run']
