"""The data sets by name."""

import importlib

# Name of the package in data_pipeline/ -> the usual protocol of its pairs, see batches/pairs.py.
USUAL_PROTOCOLS = {'people': 'people', 'fashion': 'reference', 'iper': 'reference'}
NAMES = tuple(USUAL_PROTOCOLS)


def open_data_set(name, source_dir, data_dir=None, allow_missing_poses=False, workers=None):
    """Returns the builder of a data set, one of NAMES, with its records made; see `RecordBuilder.opened`."""
    module = importlib.import_module(f'data_pipeline.{name}.{name}_builder')  # late, as it loads TensorFlow
    return getattr(module, f'{name.capitalize()}Builder').opened(source_dir, data_dir, allow_missing_poses, workers)
