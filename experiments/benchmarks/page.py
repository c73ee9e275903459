"""The page of the figures, in which each case has a section between two marks."""

from data_pipeline import files
from data_pipeline.errors import UsageError


def marks(case):
    """Returns the two lines between which a case's figures stand."""
    return f'<!-- begin benchmark {case} -->', f'<!-- end benchmark {case} -->'


def read_page(path, case):
    """Returns the text of the page; UsageError where it cannot be read or lacks the section of the case."""
    try:
        with open(path, encoding='utf-8') as file:
            text = file.read()
    except OSError as error:
        raise UsageError(f'--output={path}: expected a Markdown file ({error.strerror}).') from error
    missing = [mark for mark in marks(case) if text.count(mark) != 1]
    if missing:
        raise UsageError(f'--output={path}: expected the line {missing[0]!r} once, found it '
                         f'{text.count(missing[0])} times.')
    return text


def write_section(path, case, section):
    """Replaces the section of a case in the page."""
    begin, end = marks(case)
    before, _, rest = read_page(path, case).partition(begin)
    files.write_text(path, f'{before}{begin}\n{section}\n{end}{rest.partition(end)[2]}')
