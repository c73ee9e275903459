"""Times of single convolutions and their gradients: TensorFlow's own kernels, oneDNN's, and `repose_tf.convolution`."""

import json
import os
import subprocess
import sys

import numpy as np
import tensorflow as tf

from experiments.benchmarks import tools
from repose_tf import convolution

# Input, kernel, stride, dilation: of the small and of the full-size network.
SHAPES = (
    ((8, 33, 33, 17, 16), (3, 3, 3, 16, 16), 1, 1),
    ((8, 33, 33, 17, 24), (3, 3, 3, 24, 24), 1, 1),
    ((1, 65, 65, 33, 64), (3, 3, 3, 64, 64), 1, 1),
    ((8, 33, 33, 64), (3, 3, 64, 64), 1, 1),
    ((8, 65, 65, 32), (3, 3, 32, 32), 1, 1),
    ((8, 33, 33, 32), (3, 3, 32, 32), 1, 2),
    ((8, 17, 17, 64), (3, 3, 64, 64), 2, 1),
    ((8, 33, 33, 256), (1, 1, 256, 64), 1, 1),
    ((1, 65, 65, 256), (3, 3, 256, 256), 1, 2),
)
_MATRIX = 1500
_LIBRARIES = {'0': "TensorFlow's", '1': "oneDNN's"}
_PRODUCT = 'product of two matrices'


def run(rounds, max_gigabytes, plot_dir):
    """Measures every shape with either library, each in processes of its own that take turns; returns Markdown."""
    del plot_dir, max_gigabytes
    milliseconds = {}
    for _ in range(2):
        for switch, library in _LIBRARIES.items():
            for name, value in measure(rounds, switch).items():
                key = name, library
                milliseconds[key] = min(value, milliseconds.get(key, value))
    return tools.table(rows(milliseconds))


def measure(rounds, switch):
    """Returns what `measured_here` does, from a process with TF_ENABLE_ONEDNN_OPTS set so."""
    process = subprocess.run([sys.executable, '-m', __name__, str(rounds)], stdout=subprocess.PIPE, text=True,
                             check=True, env={**os.environ, 'TF_ENABLE_ONEDNN_OPTS': switch})
    return json.loads(process.stdout.splitlines()[-1])


def measured_here(rounds):
    """Returns dict, name of a case -> milliseconds, median of the rounds."""
    found = {}
    matrix = tf.random.normal([_MATRIX, _MATRIX])
    for shape, kernel, stride, dilation in SHAPES:
        functions = {_title(shape, kernel, stride, dilation, direction): function for direction, function
                     in directions(shape, kernel, stride, dilation).items()}
        functions[_PRODUCT] = tools.waited(tf.function(tf.matmul), matrix, matrix)
        for name, value in tools.seconds(functions, rounds).items():
            found[name] = min(1e3 * value, found.get(name, np.inf))
    return found


def _title(shape, kernel, stride, dilation, direction):
    extra = f', stride {stride}' * (stride > 1) + f', dilation {dilation}' * (dilation > 1)
    return f'{" x ".join(map(str, shape))}, {" x ".join(map(str, kernel[:-2]))} to {kernel[-1]}{extra} | {direction}'


def directions(shape, kernel_shape, stride, dilation):
    """Returns dict, direction -> function without arguments that runs it and waits."""
    x, kernel = tf.random.normal(shape), tf.random.normal(kernel_shape)
    rank = len(shape) - 2
    forward = tf.function(lambda x, kernel: tf.nn.convolution(x, kernel, stride, 'SAME', dilations=dilation))
    upstream = tf.random.normal(forward(x, kernel).shape)

    @tf.function
    def gradient(x, kernel, upstream, of_kernel):
        with tf.GradientTape() as tape:
            target = kernel if of_kernel else x
            tape.watch(target)
            result = forward.python_function(x, kernel)
        return tape.gradient(result, target, upstream)

    found = {'forward': tools.waited(forward, x, kernel),
             'gradient of the input': tools.waited(gradient, x, kernel, upstream, False),
             'gradient of the kernel': tools.waited(gradient, x, kernel, upstream, True)}
    if rank == 3:
        found['gradient of the kernel, by 2D convolutions'] = tools.waited(
            tf.function(convolution.kernel_gradient), x, upstream, kernel_shape[0])
    return found


def rows(milliseconds):
    """Returns the table's rows from dict, (name of a case, library) -> milliseconds."""
    flops = {_PRODUCT: 2 * _MATRIX ** 3}
    for shape, kernel, stride, dilation in SHAPES:
        places = np.prod([-(-size // stride) for size in shape[1:-1]]) * shape[0]
        flops[_title(shape, kernel, stride, dilation, '').partition(' | ')[0]] = 2 * places * np.prod(kernel)
    found = []
    for name in dict.fromkeys(name for name, _ in milliseconds):
        case, _, direction = name.partition(' | ')
        row = {'convolution': case, 'direction': direction}
        for library in _LIBRARIES.values():
            value = milliseconds[name, library]
            row[f'{library} kernels, ms'] = f'{value:.1f}'
            row[f'GFLOP/s of {library}'] = f'{flops[case] / value / 1e6:.0f}'
        found.append(row)
    return found


if __name__ == '__main__':
    print(json.dumps(measured_here(int(sys.argv[1]))))
