"""What a run tells while it trains: TensorBoard, metrics.jsonl and the progress bar."""

import json
import time

import tensorflow as tf
from tqdm import tqdm

from experiments import pictures
from repose_tf.serving import pixels_from_image

GRID_HEADERS = ('source', 'target', 'result', 'foreground', 'mask', 'background')


class RunLog:
    """Writes scalars and image grids of a run; use as a context manager."""

    def __init__(self, folder, first_step, num_steps):
        """Opens the files of a `RunFolder`; the progress bar runs from `first_step` to `num_steps`."""
        self._writer = tf.summary.create_file_writer(folder.tensorboard_dir)
        self._lines = open(folder.metrics_path, 'a')  # noqa: SIM115  (closed by __exit__)
        self._bar = tqdm(total=num_steps, initial=first_step, unit='step', desc='training', mininterval=1.0,
                         dynamic_ncols=True)
        self._last = (first_step, time.monotonic())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._bar.close()
        self._lines.close()
        self._writer.close()

    def advance(self):
        """Counts a step on the progress bar."""
        self._bar.update()

    def say(self, text):
        """Prints a line above the progress bar."""
        self._bar.write(text)

    def text(self, name, text):
        """Writes a text to TensorBoard."""
        with self._writer.as_default(step=0):
            tf.summary.text(name, text)

    def speed(self, step):
        """Returns the steps per second since the last call."""
        last_step, last_time = self._last
        self._last = (step, time.monotonic())
        return (step - last_step) / max(self._last[1] - last_time, 1e-9)

    def scalars(self, step, values, on_bar=()):
        """Writes scalars.

        Args:
          step: the step that they belong to.
          values: dict, name -> float.
          on_bar: names that the progress bar shows.
        """
        with self._writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        self._lines.write(json.dumps({'step': step, **{name: float(value) for name, value in values.items()}}) + '\n')
        self._lines.flush()
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
        picture = pictures.grid(rows, GRID_HEADERS)
        with self._writer.as_default(step=step):
            tf.summary.image('held-out pairs', picture[None])
        self._writer.flush()
