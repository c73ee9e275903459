"""The loop over the steps of a run, its judgement of each step, and its end on request."""

import signal
import time

import tensorflow as tf

from data_pipeline.errors import UsageError

# Another process of the run is gone; gRPC says so in several ways.
_LOST_WORKER = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError,
                tf.errors.DeadlineExceededError)


def train(trainer, data, settings, log):
    """Runs the steps that are left.

    Args:
      trainer, data, settings: `Trainer`, `Data` and `Settings`.
      log: the `RunLog`, or None in a process that writes no files.

    Returns:
      int, what the process should end with: 0, or `Interruption.exit_code`.

    Raises:
      UsageError: too many steps in a row that could not be applied, or another process of the run is gone.
    """
    step, options = int(trainer.step_counter.numpy()), settings.train
    size = settings.model.architecture().image_size
    batches = iter(trainer.distributed(lambda *shard: data.train_batches(
        size, options.batch_size, options.seed, step, shard, options.train_splits, options.cache_mb,
        settings.noise.jpeg_noise)))
    if log and step == 0:
        log.save(0)  # whatever happens from here on, there is something to go on from
    try:
        return _run(trainer, batches, step, options, log)
    except _LOST_WORKER as error:
        raise UsageError('Another process of this run is gone; go on with --resume in all of them '
                         f'({str(error).splitlines()[0]}).') from error


def _run(trainer, batches, step, options, log):
    judge = StepJudge(options.max_bad_steps, log.say if log else print)
    stopping = False
    with Interruption() as interruption:
        while not trainer.budget.is_over(step, judge.say) and not stopping:
            started = time.monotonic()
            batch = next(batches)
            waited = time.monotonic() - started
            if log:
                log.before_step(step + 1)
            values = trainer.step(batch, tf.constant(float(bool(interruption.signal))))
            step += 1
            # The step before is judged while this one is computed; all processes see the same, and stop together.
            stopping = judge.judge_previous(step, batch, values)
            if log:
                log.after_step(step, values, waited)
        judge.judge_previous(step, None, None)
        if log:
            log.save(step)
            if stopping:
                log.say(f'Interrupted after step {step}, saved; --resume goes on.')
    return interruption.exit_code or (143 if stopping else 0)


class Interruption:
    """Ends a run on request: SIGTERM, as schedulers send it, and SIGINT, Ctrl-C.

    While in its context, the first signal is only noted; a second one acts as usual.

    Attributes:
      signal: the number of the signal that came, or 0.
    """

    def __init__(self):
        self.signal = 0
        self._before = {}

    def __enter__(self):
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *exception):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def exit_code(self):
        """What the process ends with: 128 and the signal's number, as shells count, 143 for SIGTERM; else 0."""
        return 128 + self.signal if self.signal else 0

    def _note(self, number, frame):
        del frame
        self.signal = number
        signal.signal(number, self._before[number])


class StepJudge:
    """Looks at every step's result one step later, when it costs no waiting."""

    def __init__(self, max_bad_steps, say):
        """`say` is a function of a text."""
        self._max, self.say = max_bad_steps, say
        self._previous = None
        self._num_bad = 0

    def judge_previous(self, step, batch, values):
        """Judges the step before and keeps this one for the next call.

        Args:
          step: how many steps were made.
          batch: the distributed batch of the last one.
          values: see `Trainer.step`; None: there is no further step.

        Returns:
          whether some process asked for the end in the step before.

        Raises:
          UsageError: too many steps in a row could not be applied.
        """
        previous, self._previous = self._previous, values and (step, batch, values)
        if previous is None:
            return False
        step, batch, values = previous
        if float(values['applied']):
            self._num_bad = 0
        else:
            self._num_bad += 1
            terms = ', '.join(f'{name} {float(value):.4g}' for name, value in values.items()
                              if name not in ('applied', 'stop'))
            self.say(f'step {step}: not applied, as not all is finite: {terms}; pairs: {", ".join(_ids(batch))}')
            if self._num_bad >= self._max:
                raise UsageError(f'Step {step}: {self._num_bad} steps in a row were not applied (--max_bad_steps); the '
                                 'last checkpoint is intact. Try a smaller --learning_rate, --clip_norm or '
                                 '--precision=float32.')
        return bool(float(values['stop']))


def _ids(batch):
    """Returns the pairs of a distributed batch that are in this process, as `source -> target`."""
    def flat(name):
        values = batch[name].values if hasattr(batch[name], 'values') else (batch[name],)
        return [text.decode() for value in values for text in value.numpy()]

    return [f'{source} -> {target}' for source, target in zip(flat('source_id'), flat('target_id'), strict=True)]
