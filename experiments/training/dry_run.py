"""The size of a run and the cost of its steps, told without training."""

import math
import resource
import sys

import tensorflow as tf

from experiments.configuration.flags import flags_text
from repose_tf.skeleton import NUM_JOINTS
from repose_tf.variables import tf_variables

_CONVOLUTIONS = ('Conv2D', 'Conv3D', 'DepthwiseConv2dNative')
_FILTER_GRADIENTS = tuple(f'{name}BackpropFilter{suffix}' for name in _CONVOLUTIONS for suffix in ('', 'V2'))
_INPUT_GRADIENTS = tuple(f'{name}BackpropInput{suffix}' for name in _CONVOLUTIONS for suffix in ('', 'V2'))
_NOT_MADE = ('Placeholder', 'Const', 'ReadVariableOp')  # by the forward pass
_BACKWARD = 'gradient_tape/'  # TensorFlow's name for what a tape makes
# What a training takes beside its tensors, from above, as measured (docs/performance.md): compiling the step, and what
# the kernels and the allocator need for every byte of the tensors.
_COMPILING_BYTES, _PER_TENSOR_BYTE = 1.0e9, 1.5


def report(trainer, settings):
    """Traces a step of a `Trainer` with its `Settings` and returns what is known of it, as text of several lines."""
    lines = flags_text(settings).splitlines()
    for name, part in trainer.checkpoint_parts().items():
        variables = tf_variables(part) if hasattr(part, 'variables') else (part,)
        lines.append(f'{name}: {sum(map(_num_elements, variables)):,} values in {len(variables)} variables')
    num_devices, passes = trainer.strategy.num_replicas_in_sync, settings.train.accumulate_steps
    graph = traced_pass(trainer, settings)
    lines.append(f'Step: {settings.train.batch_size} pairs over {num_devices} device(s) in {passes} pass(es); '
                 f'{len(graph.get_operations()):,} operations in the graph of a pass')
    lines.append(f'Arithmetic of a step: {step_flops(trainer, settings, graph) / 1e12:.4g} TFLOP in convolutions and '
                 'matrix products')
    return '\n'.join([*lines, *_memory(trainer, graph, settings)])


def traced_pass(trainer, settings):
    """Returns the graph of one forward and backward pass on one device, in which all shapes are known."""
    parts = trainer.strategy.num_replicas_in_sync * settings.train.accumulate_steps
    rows, size = settings.train.batch_size // parts, settings.model.architecture().image_size
    specs = {'image': [rows, size, size, 3], 'pose': [rows, NUM_JOINTS, 3], 'mask': [rows, size, size, 1],
             'foreground': [rows, size, size, 1]}
    part = {name: tf.TensorSpec([rows, 2], tf.int32) if name == 'window_corner' else tf.TensorSpec(
        specs[name.split('_')[1]]) for name in trainer.differentiate.input_names}
    differentiate = tf.function(lambda batch: trainer.differentiate(batch, settings.train.batch_size), autograph=False)
    return differentiate.get_concrete_function(part).graph


def step_flops(trainer, settings, graph):
    """Returns the floating-point operations of a step over all devices; `graph` as of `traced_pass`."""
    return convolution_flops(graph) * settings.train.accumulate_steps * trainer.strategy.num_replicas_in_sync


def _memory(trainer, graph, settings):
    """Returns lines that add up what a device must hold, and what the process takes at most on a CPU."""
    state = sum(_bytes(variable) for part in trainer.checkpoint_parts().values() if hasattr(part, 'variables')
                for variable in tf_variables(part))
    if trainer.perceptual is not None:
        state += sum(map(_bytes, tf_variables(trainer.perceptual.features)))
    gradients = sum(_bytes(variable) for network in trainer.differentiate.networks.values()
                    for variable in tf_variables(network))
    kept = kept_bytes(graph)
    tensors, resident = state + gradients + kept, _resident_bytes()
    most = process_bytes(resident, tensors * trainer.strategy.num_replicas_in_sync)
    pictures = (f'; and the training pictures, up to --cache_mb={settings.train.cache_mb}, twice that while they are '
                'decoded' if settings.train.cache_mb else '')
    return [f'Memory of a device, its tensors alone: {tensors / 1e9:.3g} GB: weights, average and optimisers '
            f'{state / 1e9:.3g} + gradients {gradients / 1e9:.3g} + activations kept for the backward pass '
            f'{kept / 1e9:.3g} (less with --remat or more --accumulate_steps)',
            f'Memory of the process on a CPU, at most: {most / 1e9:.3g} GB: this program {resident / 1e9:.3g} + '
            f'compiling {_COMPILING_BYTES / 1e9:.3g} + {_PER_TENSOR_BYTE:g} times the tensors, whose kernels need '
            f'workspaces (measured: docs/performance.md){pictures}']


def process_bytes(resident, tensors):
    """Returns the most bytes that a training process takes, but for pictures that it keeps.

    Args:
      resident: bytes that it takes before the first step.
      tensors: bytes of weights, optimisers, gradients and kept activations on all of its devices.
    """
    return resident + _COMPILING_BYTES + _PER_TENSOR_BYTE * tensors


def _resident_bytes():
    """Returns the most bytes that this process has taken so far."""
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def convolution_flops(graph):
    """Returns the floating-point operations of all convolutions and matrix products, a product and a sum being two.

    All shapes in the tf.Graph must be known.
    """
    return sum(map(_flops, graph.get_operations()))


def kept_bytes(graph):
    """Returns the bytes of the tensors that the forward pass makes and the backward pass needs.

    The tf.Graph is of a function that differentiates by a tf.GradientTape, with all shapes known. The result is an
    estimate from above, as TensorFlow may drop or merge some of them.
    """
    ops = graph.get_operations()
    # Operations stand in the order in which they were made, forward before backward. The first backward one is looked
    # for, as custom gradients do not carry the tape's name.
    first_backward = next(place for place, op in enumerate(ops) if op.name.startswith(_BACKWARD))
    made = {tensor.name for op in ops[:first_backward] if op.type not in _NOT_MADE for tensor in op.outputs}
    kept = {tensor.name: tensor for op in ops[first_backward:] for tensor in op.inputs if tensor.name in made}
    return sum(map(_bytes, kept.values()))


def _flops(op):
    if op.type in _CONVOLUTIONS:
        return _convolution(op.outputs[0], op.inputs[1].shape)
    if op.type in _FILTER_GRADIENTS:
        return _convolution(op.inputs[2], op.outputs[0].shape)
    if op.type in _INPUT_GRADIENTS:
        return _convolution(op.inputs[2], op.inputs[1].shape)
    if op.type in ('MatMul', 'BatchMatMul', 'BatchMatMulV2', 'BatchMatMulV3'):
        transposed = op.get_attr('transpose_a' if op.type == 'MatMul' else 'adj_x')
        return 2 * _num_elements(op.outputs[0]) * op.inputs[0].shape[-2 if transposed else -1]
    return 0


def _convolution(output, kernel_shape):
    """Returns the operations that make an output (or pass back its gradient): each element sums over a kernel."""
    return 2 * _num_elements(output) * math.prod(kernel_shape[:-1])


def _num_elements(tensor):
    return tensor.shape.num_elements() if tensor.shape.is_fully_defined() else 0


def _bytes(tensor):
    return _num_elements(tensor) * tensor.dtype.size
