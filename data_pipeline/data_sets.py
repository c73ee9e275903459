"""The data sets by name, and the settings that say which one is used."""

import dataclasses
import importlib

from data_pipeline.errors import UsageError
from data_pipeline.finding import folders_in
from data_pipeline.settings import Group, setting

# Name of the package in data_pipeline/ -> the usual protocol of its pairs, see batches/pairs.py.
USUAL_PROTOCOLS = {'people': 'people', 'fashion': 'reference', 'iper': 'reference'}
NAMES = tuple(USUAL_PROTOCOLS)


@dataclasses.dataclass(frozen=True)
class DataSettings(Group):
    """Which data are used, and where they lie."""

    dataset: str = setting('people', 'Data set: its builder in data_pipeline/.', choices=NAMES)
    source_dir: str = setting('data/people', 'Folder of the pictures and poses as they came; of people, several '
                              'may be joined: with commas between.', changeable=True)
    data_dir: str = setting('build/records', 'Folder of the records that are made of them once.', changeable=True)
    allow_missing_poses: bool = setting(False, 'Leave out pictures without a usable pose, and say how many and which, '
                                        'instead of refusing the data.')


def open_data_set(name, source_dir, data_dir=None, allow_missing_poses=False, workers=None):
    """Returns the builder of a data set, one of NAMES, with its records made; see `RecordBuilder.opened`.

    Raises:
      UsageError: several folders, which only the data set `people` can be of.
      DataError: see `RecordBuilder.opened`.
    """
    if name != 'people' and len(folders_in(source_dir)) > 1:
        raise UsageError(f'--source_dir: expected one folder with --dataset={name}, as only people can be joined of '
                         f'several, found {source_dir}.')
    module = importlib.import_module(f'data_pipeline.{name}.{name}_builder')  # late, as it loads TensorFlow
    return getattr(module, f'{name.capitalize()}Builder').opened(source_dir, data_dir, allow_missing_poses, workers)
