"""Trains the least model for some steps and saves what came out of it, as one process of a run:

    python -m tests.support.distributed_program NUM_DEVICES NUM_STEPS FILE.npz

A program, as devices are set before TensorFlow starts. With TF_CONFIG it is one worker of several.
"""

import sys

import numpy as np
import tensorflow as tf

from experiments.configuration.devices import make_strategy

# So small, as this little GAN doubles the difference of two orders of summing with every larger step.
LEARNING_RATE = 5e-6


def main(num_devices, num_steps, path):
    strategy = make_strategy(int(num_devices))  # first of all, so before these imports make anything
    # To be optimised, the graphs of these few steps would take longer than the steps.
    tf.config.optimizer.set_experimental_options({'disable_meta_optimizer': True})
    from experiments.configuration.settings import Settings
    from experiments.training.trainer import Trainer
    from repose_tf.architecture import PRESETS
    from repose_tf.variables import tf_variables
    from tests.support.tiny import LEAST, raw_batch
    PRESETS['small'] = LEAST
    trainer = Trainer(Settings().changed(preset='small', perceptual_weight=0.0, l1_weight=1.0, batch_size=4,
                                         learning_rate=LEARNING_RATE), strategy)

    def rows(index, count):
        batch = {name: value[4 // count * index:4 // count * (index + 1)] for name, value in raw_batch(4).items()}
        return tf.data.Dataset.from_tensors(batch).repeat()

    batches = iter(trainer.distributed(rows))
    norms = []
    for _ in range(int(num_steps)):
        values = trainer.step(next(batches), tf.constant(0.0))
        norms.append([float(values[f'gradient_norm/{name}']) for name in ('generator', 'discriminator')])
    weights = [variable.numpy().ravel() for network in trainer.initial_parts().values()
               for variable in tf_variables(network)]
    np.savez(path, weights=np.concatenate(weights), norms=norms, loss=float(values['loss/generator']),
             num_traces=trainer.step.experimental_get_tracing_count())


if __name__ == '__main__':
    main(*sys.argv[1:])
