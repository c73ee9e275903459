"""TFDS builder of any folder in the `people` layout."""

import functools

from data_pipeline.people.people_folder import open_folder
from data_pipeline.records.record_builder import RecordBuilder, open_records


class PeopleBuilder(RecordBuilder):
    """Records of a folder in the `people` layout."""

    name = 'people'
    read_folder = staticmethod(open_folder)


open_people = functools.partial(open_records, PeopleBuilder)
