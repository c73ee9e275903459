"""Says what a run would train, how large it is and what a step costs, without training."""

import tensorflow as tf

from experiments.training import graph_cost
from repose_tf.skeleton import NUM_JOINTS
from repose_tf.variables import tf_variables


def report(trainer, settings, flag_values):
    """Traces a step and returns what is known of it, as text.

    Args:
      trainer: the `Trainer`.
      settings: the `Settings`.
      flag_values: dict, name -> value, of the run.

    Returns:
      str of several lines.
    """
    lines = [f'--{name}={value}' for name, value in flag_values.items()]
    for name, part in trainer.checkpoint_parts().items():
        variables = tf_variables(part) if hasattr(part, 'variables') else (part,)
        lines.append(f'{name}: {sum(map(_size, variables)):,} values in {len(variables)} variables')
    num_devices, passes = trainer.strategy.num_replicas_in_sync, settings.train.accumulate_steps
    graph = traced_pass(trainer, settings)
    lines.append(f'Step: {settings.train.batch_size} pairs over {num_devices} device(s) in {passes} pass(es); '
                 f'{len(graph.get_operations()):,} operations in the graph of a pass')
    lines.append(f'Arithmetic of a step: {step_flops(trainer, settings, graph) / 1e12:.4g} TFLOP in convolutions and '
                 'matrix products')
    return '\n'.join([*lines, *_memory(trainer, graph)])


def traced_pass(trainer, settings):
    """Returns the graph of one forward and backward pass on one device, in which all shapes are known."""
    parts = trainer.strategy.num_replicas_in_sync * settings.train.accumulate_steps
    rows, size = settings.train.batch_size // parts, settings.model.architecture().image_size
    image, pose = tf.TensorSpec([rows, size, size, 3]), tf.TensorSpec([rows, NUM_JOINTS, 3])
    part = {'source_image': image, 'target_image': image, 'source_pose': pose, 'target_pose': pose,
            'target_foreground': tf.TensorSpec([rows, size, size, 1])}
    differentiate = tf.function(lambda batch: trainer.differentiate(batch, settings.train.batch_size), autograph=False)
    return differentiate.get_concrete_function(part).graph


def step_flops(trainer, settings, graph):
    """Returns the floating-point operations of a step over all devices; `graph` as of `traced_pass`."""
    return (graph_cost.convolution_flops(graph) * settings.train.accumulate_steps
            * trainer.strategy.num_replicas_in_sync)


def _memory(trainer, graph):
    """Returns lines that add up what a device must hold."""
    state = sum(_bytes(variable) for part in trainer.checkpoint_parts().values() if hasattr(part, 'variables')
                for variable in tf_variables(part))
    if trainer.perceptual is not None:
        state += sum(map(_bytes, tf_variables(trainer.perceptual.features)))
    gradients = sum(_bytes(variable) for network in trainer.differentiate.networks.values()
                    for variable in tf_variables(network))
    kept = graph_cost.kept_bytes(graph)
    return [f'Memory of a device, about {(state + gradients + kept) / 1e9:.3g} GB: weights, average and optimisers '
            f'{state / 1e9:.3g} + gradients {gradients / 1e9:.3g} + activations kept for the backward pass '
            f'{kept / 1e9:.3g} (less with --remat or more --accumulate_steps); workspaces of the kernels come on top']


def _size(variable):
    return int(tf.size(variable))


def _bytes(variable):
    return _size(variable) * variable.dtype.size
