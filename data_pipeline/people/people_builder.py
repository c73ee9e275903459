"""TFDS builder of any folder in the `people` layout."""

from data_pipeline.people.people_folder import open_folder
from data_pipeline.records.record_builder import RecordBuilder


class PeopleBuilder(RecordBuilder):
    """Records of a folder in the `people` layout."""

    name = 'people'
    read_folder = staticmethod(open_folder)
