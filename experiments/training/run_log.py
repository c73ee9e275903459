"""The log of a training run: what is written at which step, and the files that it goes to."""

import json
import math
import os
import time

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams
from tqdm import tqdm

from data_pipeline import files
from data_pipeline.batches import augment
from data_pipeline.errors import UsageError
from experiments.pictures import drawing
from repose_tf.metrics import image_metrics
from repose_tf.picture_codec import pixels_from_image
from repose_tf.warp.body_parts import person_mask

_NUM_SHOWN = 8  # pairs in an image grid
_ON_BAR = ('loss/generator', 'loss/l1', 'loss/perceptual')


class RunLog:
    """Writes scalars, pictures, validations, profiles and checkpoints of a run, each at its steps; a context manager.

    In a run of several processes only the first one has it.
    """

    def __init__(self, trainer, data, settings, folder, saved):
        """Opens the log of a `Trainer` with its `Data`, `Settings`, `RunFolder` and `Checkpoints`."""
        self._trainer, self._settings, self._folder, self._saved = trainer, settings, folder, saved
        options, size = settings.train, settings.model.architecture().image_size
        self._validation = self._shown = None
        if num_pairs := options.num_validation_pairs:
            self._validation = data.pair_batches('validation', size, options.batch_size, num_pairs)
            # A few, spread over the persons.
            self._shown = data.pair_batches('validation', size, _NUM_SHOWN, min(_NUM_SHOWN, num_pairs))
        # On one device: the numbers must not depend on how many there are.
        self._generate = tf.function(lambda *inputs: trainer.evaluated(*inputs, training=False), autograph=False)
        self._profiling = False
        self._saved_step = None
        self._files = LogFiles(folder, int(trainer.step_counter.numpy()), options.steps)

    def __enter__(self):
        self._files.hyperparameters(self._settings.as_dict())
        return self

    def __exit__(self, *exception):
        if self._profiling:
            tf.profiler.experimental.stop()
        self._files.__exit__(*exception)

    def say(self, text):
        """Prints a line above the progress bar."""
        self._files.say(text)

    def before_step(self, step):
        """Begins the profile where it is due; `step` counts from 1."""
        first_last = self._settings.train.profiled()
        if first_last and first_last[0] == step:
            tf.profiler.experimental.start(self._folder.tensorboard_dir)
            self._profiling = True

    def after_step(self, step, values, waited):
        """Writes what is due.

        Args:
          step: how many steps were made.
          values: dict of scalar tensors, see `Trainer.step`.
          waited: seconds that the step waited for its data.
        """
        options = self._settings.train
        self._files.advance(waited)
        if self._profiling and options.profiled()[1] == step:
            tf.profiler.experimental.stop()
            self._profiling = False
            self.say(f'step {step}: the profile is in {self._folder.tensorboard_dir}')
        if step % options.log_every == 0:
            scalars = {name: float(value) for name, value in values.items() if name != 'stop'}
            self._files.scalars(step, {**scalars, **self._trainer.learning_rates(), **self._files.speed(step)}, _ON_BAR)
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
        batch, outputs = next(self._generated(self._shown))
        self._files.images(step, batch, outputs)

    def _validate(self, step):
        scores = _mean_scores(self._generated(self._validation))
        self._files.scalars(step, {f'validation/{name}': value for name, value in scores.items()})
        self.say(f'step {step}: validation ' + ', '.join(f'{name} {value:.3f}' for name, value in scores.items()))

    def _generated(self, batches):
        """Yields prepared batches, each with the generator's outputs for it."""
        for batch in map(augment.prepare, batches):
            yield batch, self._generate(batch['source_image'], batch['source_pose'], batch['target_pose'])


class LogFiles:
    """TensorBoard, metrics.jsonl and the progress bar of a run; a context manager."""

    def __init__(self, folder, first_step, num_steps):
        """Opens the files of a `RunFolder`; the progress bar runs from `first_step` to `num_steps`.

        Lines of metrics.jsonl about later steps, which an earlier process wrote before it ended, are removed: those
        steps come again.

        Raises:
          UsageError: the folder cannot be written to.
        """
        try:
            _drop_after(folder.metrics_path, first_step)
            self._lines = open(folder.metrics_path, 'a')  # noqa: SIM115  (closed by __exit__)
            self._writer = tf.summary.create_file_writer(folder.tensorboard_dir)
        except (OSError, tf.errors.OpError) as error:
            raise UsageError(f'{folder.path}: expected a run folder that can be written to, found: {error}.') from None
        self._bar = tqdm(total=num_steps, initial=first_step, unit='step', desc='training', mininterval=1.0,
                         dynamic_ncols=True)
        self._last = (first_step, time.monotonic())
        self._waited = 0.0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._bar.close()
        self._lines.close()
        self._writer.close()

    def advance(self, waited):
        """Counts a step on the progress bar; it waited so many seconds for its data."""
        self._waited += waited
        self._bar.update()

    def say(self, text):
        """Prints a line above the progress bar."""
        self._bar.write(text)

    def hyperparameters(self, values):
        """Writes the flags of the run, dict, name -> value, as a text and for TensorBoard's table of runs."""
        with self._writer.as_default(step=0):
            tf.summary.text('flags', ''.join(f'    --{name}={value}\n' for name, value in values.items()))
            hparams.hparams(dict(values))

    def speed(self, step):
        """Returns the steps per second since the last call, and the share of the time spent waiting for data."""
        last_step, last_time = self._last
        self._last = (step, time.monotonic())
        seconds = max(self._last[1] - last_time, 1e-9)
        waited, self._waited = self._waited, 0.0
        return {'steps_per_second': (step - last_step) / seconds, 'waiting_for_data': waited / seconds}

    def scalars(self, step, values, on_bar=()):
        """Writes scalars.

        Args:
          step: the step that they belong to.
          values: dict, name -> float; in metrics.jsonl, what is not finite is null.
          on_bar: names that the progress bar shows.

        Raises:
          UsageError: they cannot be written.
        """
        with self._writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        line = {name: value if math.isfinite(value) else None for name, value in values.items()}
        try:
            self._lines.write(json.dumps({'step': step, **line}) + '\n')
            self._lines.flush()
        except OSError as error:
            raise UsageError(f'{self._lines.name}: cannot be written: {error.strerror}. The last checkpoint is '
                             'intact.') from None
        shown = {name.rsplit('/', 1)[-1]: f'{values[name]:.3f}' for name in on_bar if name in values}
        if shown:
            self._bar.set_postfix(shown, refresh=False)

    def images(self, step, batch, outputs):
        """Writes a grid of the pairs of a prepared batch and of the generator's outputs for them."""
        mask = tf.repeat(outputs['foreground_alpha'] * 2.0 - 1.0, 3, axis=-1)
        columns = {'source': batch['source_image'], 'target': batch['target_image'], 'result': outputs['image'],
                   'foreground': outputs['foreground'], 'mask': mask, 'background': outputs['background']}
        rows = list(zip(*(pixels_from_image(column).numpy() for column in columns.values()), strict=True))
        with self._writer.as_default(step=step):
            tf.summary.image('held-out pairs', drawing.grid(rows, list(columns))[None])
        self._writer.flush()


def _mean_scores(generated):
    """Returns dict, metric -> mean over all pairs; metrics of the person leave out pairs without a foreground."""
    scores = {}
    for batch, outputs in generated:
        truth = (batch['target_image'] + 1.0) / 2.0
        image = tf.clip_by_value((tf.cast(outputs['image'], tf.float32) + 1.0) / 2.0, 0.0, 1.0)
        for metric, values in image_metrics.image_metrics(image, truth, person_mask(batch)).items():
            scores.setdefault(metric, []).append(values.numpy())
    return {metric: float(np.nanmean(np.concatenate(values))) for metric, values in scores.items()}


def _drop_after(path, last_step):
    """Removes the lines of later steps, and a last line that was cut off."""
    if not os.path.exists(path):
        return
    with open(path) as file:
        lines = file.readlines()
    kept = [line for line in lines if line.endswith('\n') and json.loads(line)['step'] <= last_step]
    if len(kept) < len(lines):
        files.write_text(path, ''.join(kept))
