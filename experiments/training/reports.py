"""What a run reports and keeps on its way; in a run of several processes only the first one does."""

import tensorflow as tf

from data_pipeline.batches import augment
from experiments.configuration import saved_flags
from experiments.evaluation import pair_scorer
from experiments.training.run_log import RunLog

_NUM_SHOWN = 8  # pairs in an image grid
_ON_BAR = ('loss/generator', 'loss/l1', 'loss/perceptual')


class Reports:
    """Scalars, pictures, validations, profiles and checkpoints of a run, each at its steps; a context manager."""

    def __init__(self, trainer, data, settings, folder, saved):
        """Opens the log and reads the pairs that are shown and validated.

        Args:
          trainer: the `Trainer`.
          data: the `Data`.
          settings: the `Settings`.
          folder: the `RunFolder`.
          saved: the `Checkpoints`.
        """
        self._trainer, self._settings, self._folder, self._saved = trainer, settings, folder, saved
        options, size = settings.train, settings.model.architecture().image_size
        self._validation = self._shown = None
        if options.num_validation_pairs:
            self._validation = data.pair_batches('validation', size, options.batch_size, options.num_validation_pairs)
            # A few, spread over the persons.
            self._shown = data.pair_batches('validation', size, _NUM_SHOWN,
                                            min(_NUM_SHOWN, options.num_validation_pairs))
        # On one device: the numbers must not depend on how many there are.
        self._generate = tf.function(lambda *inputs: trainer.evaluated(*inputs, training=False), autograph=False)
        self._profiling = False
        self._saved_step = None
        self.log = RunLog(folder, int(trainer.step_counter.numpy()), options.steps)

    def __enter__(self):
        self.log.hyperparameters(saved_flags.as_dict())
        return self

    def __exit__(self, *exception):
        if self._profiling:
            tf.profiler.experimental.stop()
        self.log.__exit__(*exception)

    def before_step(self, step):
        """Begins the profile where it is due; `step` counts from 1."""
        first_last = self._settings.train.profiled()
        if first_last and first_last[0] == step:
            tf.profiler.experimental.start(self._folder.tensorboard_dir)
            self._profiling = True

    def after_step(self, step, values, waited):
        """Reports what is due.

        Args:
          step: how many steps were made.
          values: dict of scalar tensors, see `Trainer.step`.
          waited: seconds that the step waited for its data.
        """
        options = self._settings.train
        self.log.advance(waited)
        if self._profiling and options.profiled()[1] == step:
            tf.profiler.experimental.stop()
            self._profiling = False
            self.log.say(f'step {step}: the profile is in {self._folder.tensorboard_dir}')
        if step % options.log_every == 0:
            scalars = {name: float(value) for name, value in values.items() if name != 'stop'}
            self.log.scalars(step, {**scalars, **self._trainer.learning_rates(), **self.log.speed(step)}, _ON_BAR)
        if self._shown is not None and step % options.image_every == 0:
            self._show(step)
        if self._validation is not None and step % options.validate_every == 0:
            self._validate(step)
        if step % options.checkpoint_every == 0:
            self.save(step)

    def save(self, step):
        """Writes a checkpoint, once a step."""
        if step != self._saved_step:
            self._saved.save(step)
            self._saved_step = step

    def _show(self, step):
        prepared = augment.prepare(next(iter(self._shown)))
        self.log.images(step, prepared, self._generate(
            prepared['source_image'], prepared['source_pose'], prepared['target_pose']))

    def _validate(self, step):
        def repose(batch):
            return self._generate(batch['source_image'], batch['source_pose'], batch['target_pose'])['image']

        scores = pair_scorer.mean_scores(repose, self._validation)
        self.log.scalars(step, {f'validation/{name}': value for name, value in scores.items()})
        self.log.say(f'step {step}: validation '
                     + ', '.join(f'{name} {value:.3f}' for name, value in scores.items()))
