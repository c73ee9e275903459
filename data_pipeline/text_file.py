"""Reading text files in any form of Unicode."""

import json
import pathlib

from data_pipeline.errors import DataError


def read_text(path, what):
    """Reads a text file, in UTF-8, or in UTF-16 or UTF-32 as Windows writes them; a byte order mark is skipped.

    Args:
      path: the file.
      what: what a message calls it, as 'a pose file'.

    Raises:
      DataError: the file cannot be read or is no such text.
    """
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise DataError(f'{path}: expected {what}, found nothing readable ({error.strerror}).') from error
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        raise DataError(f'{path}: expected {what}, found bytes that are no text in UTF-8 or UTF-16 '
                        f'({error}).') from error
