"""TFDS builder of iPER."""

import pathlib

from data_pipeline.iper.iper_folder import open_folder
from data_pipeline.records.record_builder import RecordBuilder


class IperBuilder(RecordBuilder):
    """Records of a folder with iPER, in any layout that the README.md beside this file describes."""

    name = 'iper'
    MANUAL_DOWNLOAD_INSTRUCTIONS = (pathlib.Path(__file__).parent / 'README.md').read_text(encoding='utf-8')
    read_folder = staticmethod(open_folder)
