"""What a traced function costs: the arithmetic of its convolutions, and the tensors that its backward pass needs."""

import math

_CONVOLUTIONS = ('Conv2D', 'Conv3D', 'DepthwiseConv2dNative')
_FILTER_GRADIENTS = tuple(f'{name}BackpropFilter{suffix}' for name in _CONVOLUTIONS for suffix in ('', 'V2'))
_INPUT_GRADIENTS = tuple(f'{name}BackpropInput{suffix}' for name in _CONVOLUTIONS for suffix in ('', 'V2'))
_NOT_MADE = ('Placeholder', 'Const', 'ReadVariableOp')  # by the forward pass
_BACKWARD = 'gradient_tape/'  # TensorFlow's name for what a tape makes


def convolution_flops(graph):
    """Returns the floating-point operations of all convolutions and matrix products, a product and a sum being two.

    Args:
      graph: a tf.Graph in which all shapes are known.

    Returns:
      int.
    """
    return sum(map(_flops, graph.get_operations()))


def kept_bytes(graph):
    """Returns the size of what the forward pass makes and the backward pass needs, which lives in between.

    Args:
      graph: a tf.Graph of a function that differentiates by a tf.GradientTape; all shapes known.

    Returns:
      int, bytes; an estimate from above, as an optimiser may drop or merge some of it.
    """
    ops = graph.get_operations()
    # In the order of their making, so forward before backward; own gradients do not carry the tape's name.
    first_backward = next(place for place, op in enumerate(ops) if op.name.startswith(_BACKWARD))
    made = {tensor.name for op in ops[:first_backward] if op.type not in _NOT_MADE for tensor in op.outputs}
    kept = {tensor.name: tensor for op in ops[first_backward:] for tensor in op.inputs if tensor.name in made}
    return sum(_num_elements(tensor) * tensor.dtype.size for tensor in kept.values())


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
    """Operations that make an output, or pass back a gradient of its size: every element sums over a kernel."""
    return 2 * _num_elements(output) * math.prod(kernel_shape[:-1])


def _num_elements(tensor):
    return tensor.shape.num_elements() if tensor.shape.is_fully_defined() else 0
