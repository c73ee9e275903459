"""TFDS builder of DeepFashion In-shop."""

import pathlib

from data_pipeline.fashion.fashion_folder import open_folder
from data_pipeline.records.record_builder import RecordBuilder


class FashionBuilder(RecordBuilder):
    """Records of a folder with DeepFashion In-shop, in any layout that the README.md beside this file describes."""

    name = 'fashion'
    MANUAL_DOWNLOAD_INSTRUCTIONS = (pathlib.Path(__file__).parent / 'README.md').read_text(encoding='utf-8')
    read_folder = staticmethod(open_folder)
