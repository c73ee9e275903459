"""The memory that TensorFlow takes of a GPU: what it needs, or no more than a limit."""

import os

from data_pipeline.errors import UsageError

_GROWTH = 'TF_FORCE_GPU_ALLOW_GROWTH'  # TensorFlow looks at it when it first uses a GPU
_LIMIT = 'REPOSE_GPU_MEMORY'  # tells programs that this one starts; nobody else sets it


def inherited_mb():
    """Returns the limit of the program that started this one, MB; 0: none."""
    return int(os.environ.get(_LIMIT, 0))


def set_up(limit_mb):
    """Keeps TensorFlow, which would take all memory of all GPUs, from doing so; before it is first used.

    Then the check of an export, which runs in a process of its own, and runs beside each other find room. It holds for
    the programs that this one starts, too.

    Args:
      limit_mb: the most that this process takes of each GPU, MB; 0: what it needs, more and more.

    Raises:
      UsageError: a limit where there is no GPU.
    """
    os.environ.setdefault(_GROWTH, 'true')
    if not limit_mb:
        return
    import tensorflow as tf  # late: nothing else here needs it
    gpus = tf.config.list_physical_devices('GPU')
    if not gpus:
        raise UsageError(f'--gpu_memory: expected 0 where TensorFlow finds no GPU, found {limit_mb}.')
    os.environ[_LIMIT] = str(limit_mb)
    for gpu in gpus:
        tf.config.set_logical_device_configuration(gpu, [tf.config.LogicalDeviceConfiguration(memory_limit=limit_mb)])
