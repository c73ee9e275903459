"""Operations of traced functions that have no kernel for GPUs, or keep long vectors in the memory of the CPU.

The packages of TensorFlow register their GPU kernels whether there is a GPU or not.
"""

import functools
import math

import tensorflow as tf
from tensorflow.python.framework import function_def_to_graph, kernels  # the registry has no public name

SHORT = 1024  # elements; what is no longer counts as a shape or a setting, which belong to the CPU
# TensorFlow adds up and compares integers of 32 bits on the CPU even where their operations are a GPU's: the numbers of
# lines, voxels and candidates in the warp and the masks, 4 MB a sample at 256 px.
INT32 = {
    'AddN', 'AddV2', 'ConcatV2', 'Equal', 'Fill', 'FloorDiv', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Maximum',
    'Minimum', 'Mul', 'Neg', 'NotEqual', 'OnesLike', 'Pack', 'Pad', 'Range', 'Reshape', 'Shape', 'Size', 'StridedSlice',
    'Sub', 'Unpack', 'ZerosLike'}
# What TensorFlow 2.15 and 2.21 refuse to do on GPUs where it must be deterministic, by the words in their libraries.
NOT_DETERMINISTIC = {
    'AdjustContrast', 'AdjustContrastv2', 'Bincount', 'CropAndResizeGradBoxes', 'CropAndResizeGradImage',
    'DenseBincount', 'Dilation2DBackpropFilter', 'Dilation2DBackpropInput', 'FusedBatchNormGradV3',
    'MaxPoolGradWithArgmax', 'ResizeNearestNeighborGrad', 'SoftmaxCrossEntropyWithLogits',
    'SparseSoftmaxCrossEntropyWithLogits', 'SparseTensorDenseMatMul', 'Svd'}
_NOT_RUN = ('Placeholder', 'NoOp')
_SHAPES = ('Shape', 'ShapeN')


def lacking(graph):
    """Lists what runs on the CPU where a function is called on a GPU.

    Args:
      graph: tf.Graph; functions that it calls are looked at, too.

    Returns:
      (without a kernel, in the CPU's memory): two sets of (operation, types), types as in 'T=int32'. The second are
      of kernels that read or write more than `SHORT` elements, or nobody knows how many, there.
    """
    none, on_host = set(), set()
    library = graph.as_graph_def().library.function
    for each in (graph, *(function_def_to_graph.function_def_to_graph(function) for function in library)):
        for op in each.get_operations():
            if op.type in _NOT_RUN:
                continue
            of_types = types(op)
            kernel = gpu_kernel(op.type, of_types)
            of_types = ' '.join(f'{name}={"/".join(kinds)}' for name, kinds in of_types)
            if kernel is None:
                none.add((op.type, of_types))
            elif any(is_long(tensor) for tensor in host_tensors(op, kernel)):
                on_host.add((op.type, of_types))
    return none, on_host


def kinds(graph):
    """Returns the set of the operations of a graph and of the functions that it calls."""
    definition = graph.as_graph_def()
    nodes = (definition.node, *(function.node_def for function in definition.library.function))
    return {node.op for each in nodes for node in each}


def types(op):
    """Returns the types that a tf.Operation is of, as ((attribute, (type, ...)), ...)."""
    names = (attribute.name for attribute in op.op_def.attr if attribute.type in ('type', 'list(type)'))
    found = ((name, op.get_attr(name)) for name in names)
    return tuple((name, tuple(kind.name for kind in (kinds if isinstance(kinds, list) else [kinds])))
                 for name, kinds in found)


@functools.cache
def gpu_kernel(kind, of_types):
    """Returns the kernel of an operation for GPUs, or that for any device, or None; types as of `types`."""
    given = {name: {tf.as_dtype(each).as_datatype_enum for each in kinds} for name, kinds in of_types}
    registered = kernels.get_registered_kernels_for_op(kind).kernel
    fitting = (kernel for device in ('GPU', 'DEFAULT') for kernel in registered if kernel.device_type == device
               and all(given[rule.name] <= set(rule.allowed_values.list.type) for rule in kernel.constraint))
    return next(fitting, None)


def host_tensors(op, kernel):
    """Yields the inputs and outputs of an operation that its kernel has in the CPU's memory."""
    for arguments, tensors in ((op.op_def.input_arg, op.inputs), (op.op_def.output_arg, op.outputs)):
        tensors = list(tensors)
        for argument in arguments:
            count = 1
            if argument.number_attr:
                count = op.get_attr(argument.number_attr)
            elif argument.type_list_attr:
                count = len(op.get_attr(argument.type_list_attr))
            own, tensors = tensors[:count], tensors[count:]
            if argument.name in kernel.host_memory_arg:
                yield from own


def is_long(tensor):
    """Says whether a tensor may hold more than `SHORT` elements."""
    return tensor.dtype != tf.resource and tensor.op.type not in _SHAPES and (
        not tensor.shape.is_fully_defined() or math.prod(tensor.shape.as_list()) > SHORT)
