"""What a run tells while it trains: TensorBoard, metrics.jsonl and the progress bar."""

import json
import math
import os
import time

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams
from tqdm import tqdm

from data_pipeline.errors import UsageError
from experiments.pictures import drawing
from repose_tf.picture_codec import pixels_from_image

GRID_HEADERS = ('source', 'target', 'result', 'foreground', 'mask', 'background')


class RunLog:
    """Writes scalars and image grids of a run; use as a context manager."""

    def __init__(self, folder, first_step, num_steps):
        """Opens the files of a `RunFolder`; the progress bar runs from `first_step` to `num_steps`.

        What an earlier process wrote of later steps, before it was stopped, leaves metrics.jsonl: it comes again.

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
        """Counts a step on the progress bar, which waited so many seconds for its data."""
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
        """Returns what went on since the last call: steps per second, and the share of the time spent waiting."""
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
        """Writes a grid of pairs and the generator's outputs for them.

        Args:
          step: the step that it belongs to.
          batch: prepared batch.
          outputs: dictionary of the generator.
        """
        mask = tf.repeat(outputs['foreground_alpha'] * 2.0 - 1.0, 3, axis=-1)
        columns = (batch['source_image'], batch['target_image'], outputs['image'], outputs['foreground'], mask,
                   outputs['background'])
        rows = list(zip(*(pixels_from_image(column).numpy() for column in columns), strict=True))
        picture = drawing.grid(rows, GRID_HEADERS)
        with self._writer.as_default(step=step):
            tf.summary.image('held-out pairs', picture[None])
        self._writer.flush()


def _drop_after(path, last_step):
    """Removes the lines of later steps, and a last one that was cut off; the file changes as a whole or not at all."""
    if not os.path.exists(path):
        return
    with open(path) as file:
        lines = file.readlines()
    kept = [line for line in lines if line.endswith('\n') and json.loads(line)['step'] <= last_step]
    if len(kept) < len(lines):
        with open(f'{path}.new', 'w') as file:
            file.writelines(kept)
        os.replace(f'{path}.new', path)
