"""The devices and processes of a run, and the machine and software that figures are measured with."""

import datetime
import json
import os
import platform

import keras
import tensorflow as tf

from data_pipeline.errors import UsageError
from repose_tf import processor


def make_strategy(num_virtual_cpus=0):
    """Returns the strategy of this process; the first thing to be called, before TensorFlow makes its devices.

    Where the environment has TF_CONFIG, a MultiWorkerMirroredStrategy over its workers and their GPUs; else a
    MirroredStrategy over all GPUs here, or over the CPU, split into virtual devices where asked for.

    Args:
      num_virtual_cpus: how many; 0: no splitting.

    Raises:
      UsageError: TF_CONFIG does not describe a cluster and this process' place in it.
    """
    config = cluster_config(os.environ.get('TF_CONFIG', ''))
    names = None
    if num_virtual_cpus:
        cpu, = tf.config.list_physical_devices('CPU')
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(num_virtual_cpus)])
        names = [f'CPU:{index}' for index in range(num_virtual_cpus)]
    if config is None:
        return tf.distribute.MirroredStrategy(names)
    if num_virtual_cpus:
        raise UsageError('--num_virtual_cpus: expected 0 with TF_CONFIG, whose workers have one CPU device each, '
                         f'found {num_virtual_cpus}.')
    return tf.distribute.MultiWorkerMirroredStrategy()


def cluster_config(text):
    """Returns what TF_CONFIG says, as a dict, or None where it is empty; UsageError for what is no cluster."""
    if not text:
        return None
    try:
        config = json.loads(text)
    except ValueError as error:
        raise UsageError(f'TF_CONFIG: expected JSON, found {text[:60]!r} ({error}).') from None
    example = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
    try:
        task, cluster = config['task'], config['cluster']
        workers = cluster[task['type']]
        fits = set(cluster) <= {'chief', 'worker'} and isinstance(workers, list) and 0 <= task['index'] < len(workers)
    except (KeyError, TypeError):
        fits = False
    if not fits:
        raise UsageError(f'TF_CONFIG: expected {example} with the index of a worker, found {text[:200]}.')
    return config


def is_chief(strategy):
    """Says whether this process writes the run's files: the only one, or the first of all workers."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    return resolver.task_type == 'chief' or (resolver.task_id == 0 and 'chief' not in resolver.cluster_spec().jobs)


def with_native_precision(settings):
    """Replaces the precision 'auto' in `Settings` by the fastest one that this machine trains well in.

    Returns:
      (`Settings`, line that says what was chosen and why); the line is '' where there was nothing to choose.
    """
    if settings.model.precision != 'auto':
        return settings, ''
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices('GPU'))
    precision, reason = native_precision(
        [(gpu.get('device_name', 'GPU'), gpu.get('compute_capability')) for gpu in details],
        processor.instruction_sets())
    return settings.changed(precision=precision), f'--precision=auto: {precision}, as {reason}'


def native_precision(gpus, cpu_flags):
    """Says in which precision to train.

    float16 is never chosen: its small gradients vanish unless the loss is scaled.

    Args:
      gpus: list of (name, compute capability) of all GPUs, as ('NVIDIA A100', (8, 0)); None for what is not known.
      cpu_flags: the instructions of the processor, as in /proc/cpuinfo.

    Returns:
      ('mixed_bfloat16' or 'float32', why).
    """
    for name, capability in gpus:  # of several the slowest one decides
        if capability is None or capability < (8, 0):
            found = 'none that is known' if capability is None else '{}.{}'.format(*capability)
            return 'float32', f'bfloat16 is fast from compute capability 8.0 on and {name} has {found}'
    if gpus:
        name, capability = gpus[0]
        return 'mixed_bfloat16', '{} has compute capability {}.{}, 8.0 or above'.format(name, *capability)
    native = sorted({'avx512_bf16', 'amx_bf16'} & set(cpu_flags))
    if native:
        return 'mixed_bfloat16', f'the processor has {", ".join(native)}'
    return 'float32', 'there is no GPU, and the processor has neither avx512_bf16 nor amx_bf16'


def needs_static_warp(train, has_gpu):
    """Says whether `TrainSettings` need the warp in static shapes.

    XLA does, and on GPUs deterministic training: there TensorFlow has no deterministic product of a sparse matrix.
    """
    return train.jit_compile or (train.deterministic and has_gpu)


def update_in_words(train, num_devices):
    """Says how an update is shared: --batch_size counts all devices together.

    Args:
      train: `TrainSettings`.
      num_devices: of all processes.

    Raises:
      UsageError: the batch does not divide.
    """
    parts = num_devices * train.accumulate_steps
    passes = f' times --accumulate_steps={train.accumulate_steps}' if train.accumulate_steps > 1 else ''
    if train.batch_size % parts:
        raise UsageError(f'--batch_size: expected a multiple of the {num_devices} devices{passes}, found '
                         f'{train.batch_size}: it counts the pairs of an update over all of them. '
                         f'--batch_size={parts} gives each one pair a pass; CUDA_VISIBLE_DEVICES=0 takes one GPU.')
    return (f'--batch_size={train.batch_size}: an update is over {train.batch_size} pairs in all, '
            f'{train.batch_size // parts} on each of {num_devices} device(s){passes}')


def measured_on():
    """Returns one line on what is measured on, and when."""
    devices = [tf.config.experimental.get_device_details(device).get('device_name', 'GPU')
               for device in tf.config.list_physical_devices('GPU')]
    name = processor.entry('model name') or platform.processor() or platform.machine()
    known = processor.instruction_sets()
    widest = next((name for name in ('amx_bf16', 'avx512_bf16', 'avx512f', 'avx2') if name in known), 'no AVX2')
    where = ', '.join(devices) or f'{os.cpu_count()} CPU cores ({name}, {widest})'
    return f'Measured on {datetime.date.today()}, {where}; {software()}.'


def software():
    """Returns the versions."""
    return f'Python {platform.python_version()}, TensorFlow {tf.__version__}, Keras {keras.__version__}'
