"""The data sets by name, and the settings that say which one is used."""

import dataclasses
import importlib

from data_pipeline.settings import Group, setting

# Name of the package in data_pipeline/ -> the usual protocol of its pairs, see batches/pairs.py.
USUAL_PROTOCOLS = {'people': 'people', 'fashion': 'reference', 'iper': 'reference'}
NAMES = tuple(USUAL_PROTOCOLS)


@dataclasses.dataclass(frozen=True)
class DataSettings(Group):
    """Which data are used, and where they lie."""

    dataset: str = setting('people', 'Data set: its builder in data_pipeline/.', choices=NAMES)
    source_dir: str = setting('data/people', 'Folder of the pictures and poses as they came.', changeable=True)
    data_dir: str = setting('build/records', 'Folder of the records that are made of them once.', changeable=True)
    allow_missing_poses: bool = setting(False, 'Leave out pictures without a usable pose, and say how many and which, '
                                        'instead of refusing the data.')


def open_data_set(name, source_dir, data_dir=None, allow_missing_poses=False, workers=None):
    """Returns the builder of a data set, one of NAMES, with its records made; see `RecordBuilder.opened`."""
    module = importlib.import_module(f'data_pipeline.{name}.{name}_builder')  # late, as it loads TensorFlow
    return getattr(module, f'{name.capitalize()}Builder').opened(source_dir, data_dir, allow_missing_poses, workers)
