"""Reading pickles without trusting them: names are looked up in a table, and errors name the file.

A pickle is a program: it names functions and has them called. A reader gives a table of substitutes for the few names
that it needs; every other name is refused and not imported.
"""

import contextlib

from data_pipeline.errors import DataError


class Restricted:
    """Mixin of an unpickler that finds only the names that its reader admits.

    Attributes:
      admitted: dict, (module, name) -> substitute.
      expected: what the pickle should hold, for the error.
    """

    admitted = {}
    expected = ''

    def find_class(self, module, name):
        """Returns the substitute of a name; raises DataError if there is none."""
        if (module, name) not in self.admitted:
            raise DataError(f'expected {self.expected}, found a call of {module}.{name}: refused.')
        return self.admitted[module, name]


@contextlib.contextmanager
def reading(path, expected):
    """Turns any error inside the block into a DataError that names the file.

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
