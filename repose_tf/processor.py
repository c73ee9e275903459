"""The processor: its name, its instruction sets, and the kernels that TensorFlow uses on it."""

import functools
import os
import sys
import warnings

# With one of these, TensorFlow uses oneDNN by itself.
_ONEDNN_BY_DEFAULT = {'avx512_vnni', 'avx512_bf16', 'avx_vnni', 'amx_tile', 'amx_int8', 'amx_bf16'}


@functools.lru_cache(maxsize=1)
def _first_core():
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            lines = file.read().split('\n\n')[0].splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(':') for line in lines)}


def entry(name):
    """Returns an entry of the first core, as 'model name'; '' where it is not known, as on other systems than Linux."""
    return _first_core().get(name, '')


def instruction_sets():
    """Returns the set of what the processor can do, as 'avx2' or 'avx512_bf16'; empty where it is not known."""
    return set(entry('flags').split())


def choose_kernels():
    """Has TensorFlow use oneDNN's kernels on older processors, too, unless the environment says otherwise.

    TensorFlow leaves them off on processors with AVX2 alone. There a training step takes less than half of the time
    with them (`python -m experiments.benchmark --case=convolution`). It reads TF_ENABLE_ONEDNN_OPTS when it is loaded,
    so where it has been, there is a RuntimeWarning.
    """
    if 'avx2' not in instruction_sets() or 'TF_ENABLE_ONEDNN_OPTS' in os.environ:
        return
    if 'tensorflow' not in sys.modules:
        os.environ['TF_ENABLE_ONEDNN_OPTS'] = '1'
    elif not instruction_sets() & _ONEDNN_BY_DEFAULT:
        warnings.warn('TensorFlow was loaded before repose_tf and trains at half its speed on this processor: import '
                      'repose_tf first, or set TF_ENABLE_ONEDNN_OPTS=1.', RuntimeWarning, stacklevel=2)
