"""Labels of persons, such as skin, sex or clothes, by which scores are grouped."""

import csv
import io

from data_pipeline.errors import DataError
from data_pipeline.finding import composed
from data_pipeline.text_file import read_text


def read_labels(path, persons):
    """Reads what is said of persons.

    Args:
      path: CSV file with the columns person and one or more others, a row for each person; more persons than are asked
        for may be in it.
      persons: list of the persons asked for, with repeats.

    Returns:
      dict, column -> list of its labels, one for each of `persons`.

    Raises:
      DataError: the file is not such a one, or lacks a person.
    """
    rows = list(csv.reader(io.StringIO(read_text(path, 'a CSV file'), newline='')))
    columns = rows[0] if rows else []
    if columns[:1] != ['person'] or len(columns) < 2 or len(set(columns)) < len(columns) or not all(columns):
        raise DataError(f'{path}: expected the column person and others after it, each of a name of its own, found '
                        f'{",".join(columns) or "nothing"}.')
    labels_of = {}
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(columns) or not all(text.strip() for text in row):
            raise DataError(f'{path}: row {number}: expected {len(columns)} texts, found {",".join(row)!r}.')
        person = composed(row[0])
        if person in labels_of:
            raise DataError(f'{path}: row {number}: expected every person once, found {person!r} again.')
        labels_of[person] = row[1:]
    if lacking := [person for person in dict.fromkeys(persons) if person not in labels_of]:
        raise DataError(f'{path}: expected a row for every person of the pairs, found none for {len(lacking)}, the '
                        f'first being {lacking[0]!r}.')
    return {column: [labels_of[person][index] for person in persons] for index, column in enumerate(columns[1:])}
