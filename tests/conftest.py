"""Settings of all tests: quiet, on the CPU, and each test with the same random numbers whenever it runs."""

import os
import random
import tempfile

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('CUDA_VISIBLE_DEVICES', '-1')
# XLA compiles a training step ten times as fast without optimising it, and computes the same.
os.environ.setdefault('XLA_FLAGS', '--xla_backend_optimization_level=0')

import numpy as np  # noqa: E402  (TensorFlow reads the environment when it is imported)
import pytest  # noqa: E402

import repose_tf  # noqa: E402, F401  (before TensorFlow, whose kernels it chooses)
from tests.support.programs import IS_SHORT  # noqa: E402

LONGEST = ('interrupted_run_test', 'golden_parity_test', 'exporting_test', 'volumetric_warp_test', 'evaluate_test')


def pytest_configure(config):
    """Makes a folder for what all processes of the tests share; os.environ tells it to them."""
    if not hasattr(config, 'workerinput'):
        folder = tempfile.TemporaryDirectory(prefix='repose_tests-')
        os.environ['REPOSE_TESTS_FOLDER'] = folder.name
        config.add_cleanup(folder.cleanup)


def pytest_report_header():
    """Says which form of the tests runs."""
    form = os.environ.get('REPOSE_TESTS', 'all')
    if form not in ('all', 'short'):
        raise pytest.UsageError(f'REPOSE_TESTS: expected all or short, found {form!r}.')
    return 'REPOSE_TESTS=short: NOT ALL TESTS RUN, those marked long are skipped' if IS_SHORT else 'all tests'


def pytest_collection_modifyitems(items):
    """Files with slow tests first, the longest before all: what begins last runs alone, beside idle workers."""
    if IS_SHORT:
        for item in items:
            if item.get_closest_marker('long'):
                item.add_marker(pytest.mark.skip(reason='REPOSE_TESTS=short: runs in full on another stack'))
    slow = {item.path for item in items if item.get_closest_marker('slow')}
    items.sort(key=lambda item: (item.path.stem not in LONGEST, item.path not in slow))  # stable: else in their order


@pytest.fixture(autouse=True)
def fixed_seed():
    """Seeds every generator that a test may draw from without one of its own."""
    import tensorflow as tf  # late: the process that hands out the tests needs none
    random.seed(0)
    np.random.seed(0)
    tf.random.set_seed(0)


@pytest.fixture
def eagerly():
    """Runs functions line by line, where tracing or wording an error would take longer than the test."""
    import tensorflow as tf
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
