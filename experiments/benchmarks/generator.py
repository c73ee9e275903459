"""Times of the parts of the full-size generator, and of their convolutions alone."""

import dataclasses
import subprocess
import sys

import numpy as np
import tensorflow as tf

from experiments.benchmarks import tools
from repose_tf.architecture import PRESETS
from repose_tf.generator import Generator
from repose_tf.warp import body_parts
from tests.support import cases

PRECISIONS = ('float32', 'mixed_bfloat16')
# The largest convolution of the model with much to reuse: what the machine reaches at best.
_LARGE = ('Conv3D', (1, 65, 65, 33, 64), (3, 3, 3, 64, 64), (1, 1, 1, 1, 1), (1, 1, 1, 1, 1), 'SAME')


@dataclasses.dataclass(frozen=True)
class Convolution:
    """One convolution of a graph, known by all that its time depends on."""

    kind: str
    shape: tuple
    kernel: tuple
    strides: tuple
    dilations: tuple
    padding: str
    dtype: str

    @classmethod
    def of(cls, operation):
        """Reads a Conv2D or Conv3D operation with known shapes."""
        features, kernel = operation.inputs
        strides, dilations, padding = (operation.get_attr(name) for name in ('strides', 'dilations', 'padding'))
        return cls(operation.type, tuple(features.shape), tuple(kernel.shape), tuple(strides), tuple(dilations),
                   padding.decode(), features.dtype.name)

    @property
    def flops(self):
        """Twice the multiplications; those with the padding's zeros count."""
        reach = np.zeros(len(self.shape) - 1, int)
        if self.padding == 'VALID':
            reach[1:] = (np.array(self.kernel[:-2]) - 1) * self.dilations[1:-1]
        places = -(-(np.array(self.shape[:-1]) - reach) // np.array(self.strides[:-1]))
        return 2 * int(np.prod(places)) * int(np.prod(self.kernel))

    def __call__(self, features, kernel):
        return getattr(tf.raw_ops, self.kind)(
            input=features, filter=kernel, strides=self.strides, dilations=self.dilations,
            padding=self.padding)


def run(rounds, max_gigabytes, plot_dir):
    """Measures everything; returns Markdown."""
    del plot_dir
    rounds = min(rounds, 7)
    text = '\n\n'.join(f'One forward pass, batch 1, {precision}:\n\n{tools.table(by_part(precision, rounds))}'
                       for precision in PRECISIONS)
    before, after = peak_gigabytes()
    if after > max_gigabytes:
        text += f'\n\nThis is more than --max_gigabytes={max_gigabytes}.'
    return (f'{text}\n\nMost memory of a process that makes the float32 model and calls it once: {after:.2f} GB; '
            f'{before:.2f} GB of it TensorFlow itself and the weights.')


def by_part(precision, rounds):
    """Returns the table's rows: each part of the generator, and all of it."""
    generator = Generator(PRESETS['reference'], dtype=precision)
    parts = traced_parts(generator, inputs())
    large = Convolution(*_LARGE, tf.as_dtype(generator.compute_dtype).name)
    functions = {('large', 'alone'): convolutions_alone([large])}
    convolutions = {}
    for name, (function, arguments) in parts.items():
        functions[name, 'whole'] = tools.waited(function, *arguments)
        convolutions[name] = convolutions_of(function, arguments)
        if convolutions[name]:
            functions[name, 'alone'] = convolutions_alone(convolutions[name])
    times = tools.seconds(functions, rounds)
    speed = large.flops / times['large', 'alone']
    rows = [row(name, times[name, 'whole'], times.get((name, 'alone')), times['all', 'whole'],
                sum(one.flops for one in convolutions[name]), speed) for name in parts]
    return [*rows, row('one large convolution', None, times['large', 'alone'], None, large.flops, speed)]


def row(name, whole, alone, total, flops, best_speed):
    """Returns one row: seconds of a part and of its convolutions, and what follows from them."""
    return {
        'part': name.replace('_', ' '),
        's': '' if whole is None else f'{whole:.3f}',
        'share': '' if whole is None or name == 'all' else f'{100 * whole / total:.1f} %',
        'its convolutions alone, s': f'{alone:.3f}' if alone else '',
        'ratio': '' if None in (whole, alone) else f'{whole / alone:.2f}',
        'GFLOP': f'{flops / 1e9:.1f}' if flops else '',
        'GFLOP/s of the convolutions': f'{flops / alone / 1e9:.0f}' if alone else '',
        'of one large convolution': f'{100 * flops / alone / best_speed:.0f} %' if alone else ''}


def inputs():
    """Returns a picture of noise and two poses of people at full size, batch 1."""
    rng = np.random.default_rng(0)
    image = tf.constant(rng.uniform(-1, 1, (1, 256, 256, 3)), tf.float32)
    return image, *(tf.constant(cases.person_poses(rng, 1)) for _ in range(2))


def traced_parts(generator, arguments):
    """Returns the parts and the whole as dict: name -> (graph, its arguments)."""
    image, source, target = arguments
    grid, dtype = generator.architecture.grid, generator.compute_dtype
    padded = tf.pad(image, [[0, 0], [0, 1], [0, 1], [0, 0]])
    parts = {}

    def add(name, function, *arguments):
        parts[name] = tf.function(function, autograph=False), arguments
        return parts[name][0](*arguments)

    _, volume = add('lifting_encoder', generator.lifting_encoder, tf.cast(padded, dtype))
    warped = add('warp', generator.warp, volume, source, target)
    posed = add('pose_encoder', generator.pose_encoder, target)
    add('projection_decoder', generator.projection_decoder, tf.concat([warped, posed], axis=-1))
    known = add('mask_of_the_background', lambda pose: 1.0 - body_parts.image_mask(pose, grid), source)
    known = tf.pad(known, [[0, 0], [0, 1], [0, 1], [0, 0]])
    add('background_inpainter', generator.background_inpainter, padded, known)
    add('all', generator, image, source, target)
    return parts


def convolutions_of(function, arguments):
    """Lists the convolutions of a graph."""
    operations = function.get_concrete_function(*arguments).graph.get_operations()
    return [Convolution.of(operation) for operation in operations if operation.type in ('Conv2D', 'Conv3D')]


def convolutions_alone(convolutions):
    """Returns a function that runs convolutions one after the other, on random numbers of their shapes."""
    features = {(one.shape, one.dtype): tf.cast(tf.random.normal(one.shape), one.dtype) for one in convolutions}
    # Each has a kernel of its own: two of the same numbers would be computed once.
    kernels = [tf.cast(tf.random.normal(one.kernel), one.dtype) for one in convolutions]

    def all_of_them(features, kernels):
        numbers = []
        for one, kernel in zip(convolutions, kernels, strict=True):
            with tf.control_dependencies(numbers[-1:]):
                # One number keeps the convolution alive without a pass over all of its results.
                result = one(features[one.shape, one.dtype], kernel)
                numbers.append(tf.cast(tf.reshape(result, [-1])[0], tf.float32))
        return tf.stack(numbers)

    return tools.waited(tf.function(all_of_them, autograph=False), features, kernels)


def peak_gigabytes():
    """Returns the most memory of a process that makes the model, and after it has called it, GB."""
    process = subprocess.run([sys.executable, '-m', __name__], capture_output=True, text=True, check=True)
    return tuple(map(float, process.stdout.split()))


def _call_once():
    """Prints `peak_gigabytes` of this process."""
    generator, arguments = Generator(PRESETS['reference']), inputs()
    before = peak_of_this_process()
    tf.function(generator, autograph=False)(*arguments)
    print(before, peak_of_this_process())


def peak_of_this_process():
    # Linux' getrusage would count what the parent process held when it started this one.
    with open('/proc/self/status', encoding='utf-8') as file:
        kilobytes = next(int(line.split()[1]) for line in file if line.startswith('VmHWM'))
    return kilobytes * 1024 / 1e9


if __name__ == '__main__':
    _call_once()
