"""Trains the least model for some steps and saves what came out of it, in one process for each run that is given:

    python -m tests.support.distributed_program RUN ...

A run is "FILE.npz NUM_DEVICES NUM_STEPS TF_CONFIG"; with a TF_CONFIG, which may be empty, it is one worker of several.
One of no steps counts its operations alone. A program, as devices are set before TensorFlow starts. Forks after the
imports, which take as long as a run.
"""

import os
import signal
import sys
import traceback

import numpy as np
import tensorflow as tf

from data_pipeline.batches import augment
from experiments.configuration.devices import make_strategy
from experiments.configuration.settings import Settings
from experiments.training.trainer import Trainer
from repose_tf.architecture import PRESETS
from repose_tf.variables import tf_variables
from tests.support.tiny import LEAST, raw_batch

# So small, as this little GAN doubles the difference of two orders of summing with every larger step.
LEARNING_RATE = 5e-6


def train(num_devices, num_steps, path):
    strategy = make_strategy(num_devices)
    # To be optimised, the graphs of these few steps would take longer than the steps.
    tf.config.optimizer.set_experimental_options({'disable_meta_optimizer': True})
    PRESETS['small'] = LEAST
    trainer = Trainer(Settings().changed(preset='small', perceptual_weight=0.0, l1_weight=1.0, batch_size=4,
                                         learning_rate=LEARNING_RATE), strategy)

    def rows(index, count):
        batch = {name: value[4 // count * index:4 // count * (index + 1)] for name, value in raw_batch(4).items()}
        return tf.data.Dataset.from_tensors(batch).repeat()

    batches = iter(trainer.distributed(rows))
    graph = trainer.step.get_concrete_function(next(batches), tf.constant(0.0)).graph.as_graph_def()
    num_operations = len(graph.node) + sum(len(function.node_def) for function in graph.library.function)
    if not num_steps:
        np.savez(path, num_operations=num_operations)
        return
    norms = []
    for _ in range(num_steps):
        values = trainer.step(next(batches), tf.constant(0.0))
        norms.append([float(values[f'gradient_norm/{name}']) for name in ('generator', 'discriminator')])
    weights = [variable.numpy().ravel() for network in trainer.initial_parts().values()
               for variable in tf_variables(network)]
    # Also of the functions within the step, which the count of the step's own traces does not see.
    functions = (trainer.step, trainer._gradients, augment.fused(augment._warp_together),
                 augment.fused(augment._distort_pair))
    np.savez(path, weights=np.concatenate(weights), norms=norms, loss=float(values['loss/generator']),
             num_operations=num_operations,
             num_traces=[function.experimental_get_tracing_count() for function in functions])


def begin(run):
    """Starts a run in a process of its own; returns its id."""
    path, num_devices, num_steps, config = run.split(' ', 3)
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(1400)  # ends it where another one is waited for in vain
    try:
        if config:
            os.environ['TF_CONFIG'] = config
        train(int(num_devices), int(num_steps), path)
        os._exit(0)
    except BaseException:  # noqa: BLE001  (whatever it was, this process does not go on as its parent)
        traceback.print_exc()
    finally:
        os._exit(70)


def main(*runs):
    os.environ.pop('TF_CONFIG', None)
    pids = [begin(run) for run in runs]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    sys.exit(any(codes))


if __name__ == '__main__':
    main(*sys.argv[1:])
