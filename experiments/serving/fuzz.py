"""Sends generated requests, most of them bad, to a SavedModel and counts how it answers.

python -m experiments.serving.fuzz --saved_model=build/saved_model --num_requests=10000

Each must be answered by valid pictures or by one clear refusal. Memory must not grow, and afterwards a good request
must get the same answer as before, to the bit.
"""

import collections
import itertools
import time

import numpy as np
import tensorflow as tf
from absl import flags as absl_flags
from tqdm import tqdm

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.configuration import devices, flags
from experiments.serving import bad_requests
from repose_tf.picture_codec import pixels_from_image

MAX_GROWTH = 0.05
_WHITE = 1.0 + 1e-5  # blending rounds
# A wrong rank or type never reaches the graph: the loader refuses it as a server does.
REFUSALS = (tf.errors.InvalidArgumentError, TypeError, ValueError)


def define_flags():
    """Defines which model is asked, and how often."""
    absl_flags.DEFINE_string('saved_model', '', 'Folder of the SavedModel.')
    absl_flags.DEFINE_integer('num_requests', 10_000, 'Requests, the kinds in turn.', lower_bound=1)
    absl_flags.DEFINE_integer('seed', 0, 'Of the random numbers.')


def main():
    values = absl_flags.FLAGS
    print(devices.measured_on(), flush=True)
    print(fuzz(flags.required('saved_model'), values.num_requests, values.seed))


def fuzz(folder, num_requests, seed=0):
    """Sends requests of all kinds in turn; the first tenth, at least once all kinds, is the warm-up.

    Args:
      folder: of the SavedModel.
      num_requests: how many.
      seed: of the random numbers.

    Returns:
      a Markdown table of the kinds with their answers, and lines on memory and on the good request.

    Raises:
      UsageError: an answer was neither pictures nor a refusal, a good request was refused, memory grew, or the good
        request got another answer afterwards.
    """
    loaded = tf.saved_model.load(folder)
    size = loaded.signatures['repose'].structured_outputs['image'].shape[1]
    rng = np.random.default_rng(seed)
    kinds = bad_requests.kinds(size)
    warm_up = max(num_requests // 10, len(kinds))
    good = bad_requests.good(rng, size)
    before = [ask(loaded, name, arguments) for name, arguments in good.items()]
    counts, warm_bytes, start = collections.defaultdict(collections.Counter), None, time.perf_counter()
    for number, (kind, make) in enumerate(tqdm(itertools.islice(itertools.cycle(kinds.items()), num_requests),
                                               total=num_requests, disable=None)):
        if number == warm_up:
            warm_bytes = resident_bytes()
        signature, arguments = make(rng)
        counts[kind][outcome(loaded, signature, arguments, size)] += 1
    seconds, last_bytes = time.perf_counter() - start, resident_bytes()
    after = [ask(loaded, name, arguments) for name, arguments in good.items()]
    return report(counts, seconds, warm_bytes or last_bytes, last_bytes,
                  all(np.array_equal(one[name], other[name])
                      for one, other in zip(before, after, strict=True) for name in one))


def ask(loaded, signature, arguments):
    """Calls a signature with NumPy arguments; returns its results as arrays, by name."""
    tensors = {name: tf.constant(value) for name, value in arguments.items()}
    return {name: value.numpy() for name, value in loaded.signatures[signature](**tensors).items()}


def outcome(loaded, signature, arguments, size):
    """Asks once; returns 'picture' or 'refused', or, if it is neither, a description of what came."""
    try:
        results = ask(loaded, signature, arguments)
    except REFUSALS as error:
        return 'refused' if str(error) else f'{type(error).__name__} without a word'
    except Exception as error:  # noqa: BLE001  (bad requests may raise anything: that is the question)
        return f'{type(error).__name__}: {program.one_line(error)[:80]}'
    if signature == 'serving_default':
        results = {'image': np.stack([tf.io.decode_png(data).numpy() for data in results['image_bytes']])}
    if signature == 'repose_layers':
        colours = {name: results[name] for name in ('image', 'foreground', 'background')}
        if any(one.dtype != np.float32 or not np.all(np.abs(one) <= _WHITE) for one in colours.values()):
            return 'a colour beside -1 to 1'
        results['image'] = pixels_from_image(tf.constant(results['image'])).numpy()
    image, alpha = results['image'], results.get('foreground_alpha', 0.0)
    if not np.all((alpha >= 0) & (alpha <= 1)):  # a comparison with NaN is false
        return 'an alpha beside 0 to 1'
    whole = image.dtype == np.uint8 and image.shape[-3:] == (size, size, 3) and image.size
    return 'picture' if whole else f'{image.dtype} {list(image.shape)}'


def resident_bytes():
    """Returns the memory that this process holds."""
    with open('/proc/self/status', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS')) * 1024


def report(counts, seconds, warm_bytes, last_bytes, is_same):
    """Returns the counts as Markdown, or raises UsageError; see `fuzz`."""
    lines = ['| request | pictures | refused |', '| --- | --- | --- |']
    lines += [f'| {kind} | {found["picture"]} | {found["refused"]} |' for kind, found in counts.items()]
    total, growth = sum(found.total() for found in counts.values()), last_bytes / warm_bytes - 1.0
    lines += ['', f'{total} requests in {seconds:.0f} s; memory {warm_bytes / 1e6:.0f} MB after the warm-up, '
              f'{last_bytes / 1e6:.0f} MB at the end ({100 * growth:+.1f} %); the good request was answered '
              f'{"as before, to the bit" if is_same else "DIFFERENTLY"}.']
    text = '\n'.join(lines)
    others = {f'{kind}: {words}' for kind, found in counts.items() for words in found
              if words != 'picture' and (words != 'refused' or kind in bad_requests.GOOD_KINDS)}
    if others or growth > MAX_GROWTH or not is_same:
        raise UsageError(f'{text}\nexpected pictures or refusals, found besides: {sorted(others) or "nothing"}')
    return text


if __name__ == '__main__':
    program.run(main, define_flags)
