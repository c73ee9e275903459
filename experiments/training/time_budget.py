"""The length of a run, its steps or those that fit into its minutes, and the step size over it."""

import math
import time

import tensorflow as tf

_WARM_UP_STEPS = 5  # traced, or with cold caches
_PLAN_EVERY = 10


class TimeBudget:
    """Plans how many steps a run will have had at its end; make it under the strategy's scope.

    A slow machine gets fewer steps, and the step size falls to 0 over those that it gets. The seconds count from here
    on, those of earlier processes of the run on top.

    Attributes:
      length: tf.Variable, float32 scalar: steps over which the step size falls.
      seconds: tf.Variable, float32 scalar: what the run had taken when it was planned last.
    """

    def __init__(self, train):
        """Begins to count; `train` are the `TrainSettings`."""
        self._train = train
        self.length = tf.Variable(float(train.schedule_steps or train.steps), trainable=False, name='length')
        self.seconds = tf.Variable(0.0, trainable=False, name='seconds')
        self._begin = time.monotonic()
        self._first_step = self._warm = None

    def learning_rate(self, step):
        """Returns the step size of the update after `step` updates; tensors."""
        rate = self._train.learning_rate
        if self._train.learning_rate_schedule == 'constant':
            return tf.constant(rate)
        passed = tf.minimum(tf.cast(step, tf.float32) / self.length, 1.0)
        return rate * 0.5 * (1.0 + tf.cos(math.pi * passed))

    def checkpoint_parts(self):
        """Returns what a checkpoint must hold of it, dict of tf.Variable."""
        return {'length': self.length, 'seconds': self.seconds} if self._train.max_minutes else {}

    def is_over(self, step, say):
        """Says whether the run ends after `step` steps; plans anew now and then. `say` is a function of a text."""
        limit = 60 * self._train.max_minutes
        if not limit:
            return step >= self._train.steps
        now = time.monotonic()
        if self._first_step is None:  # a checkpoint, where there is one, has been read by now
            self._first_step, self._begin = step, self._begin - float(self.seconds.numpy())
        spent = now - self._begin
        made = step - self._first_step - _WARM_UP_STEPS
        if made == 0:
            self._warm = now
        elif made > 0 and made % _PLAN_EVERY == 0:
            self._plan(step, made / (now - self._warm), spent, limit)
            if made == _PLAN_EVERY:
                say(f'step {step}: --max_minutes={self._train.max_minutes:g} are enough for about '
                    f'{float(self.length.numpy()):.0f} steps')
        over = step >= min(float(self.length.numpy()), self._train.steps) or spent >= limit
        if over and step < self._train.steps:
            say(f'step {step}: the last one, as --max_minutes={self._train.max_minutes:g} are over')
        return over

    def _plan(self, step, steps_per_second, spent, limit):
        self.length.assign(float(min(self._train.steps, step + int(max(0, limit - spent) * steps_per_second))))
        self.seconds.assign(spent)
