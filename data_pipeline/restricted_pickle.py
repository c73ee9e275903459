"""What readers of pickles share that do not trust them: names are looked up in a table, errors are the file's.

A pickle is a program: it names functions and has them called. A reader here gives a table of substitutes for the few
names that it understands; every other name is refused, not imported.
"""

import contextlib

from data_pipeline.errors import DataError


class Restricted:
    """Mixin of an unpickler that finds nothing but what its reader admits.

    Attributes:
      admitted: dict, (module, name) -> what stands for it.
      expected: what the pickle should hold, for the error.
    """

    admitted = {}
    expected = ''

    def find_class(self, module, name):
        """Returns the substitute of a name; DataError where there is none."""
        if (module, name) not in self.admitted:
            raise DataError(f'expected {self.expected}, found a call of {module}.{name}: refused.')
        return self.admitted[module, name]


@contextlib.contextmanager
def reading(path, expected):
    """Turns whatever goes wrong while a file is read into a DataError that names it.

    Args:
      path: the file.
      expected: what it should be, with its article: 'a pickle of dicts of arrays'.
    """
    try:
        yield
    except DataError as error:
        raise DataError(f'{path}: {error}') from error
    except OSError as error:
        raise DataError(f'{path}: expected {expected}, found nothing readable ({error.strerror or error}).') from error
    except Exception as error:  # a broken pickle can raise anything, as the documentation of pickle says
        raise DataError(f'{path}: expected {expected}, found one that cannot be read '
                        f'({type(error).__name__}: {error}).') from error
