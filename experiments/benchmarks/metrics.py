"""The metrics against scikit-image, on the same images."""

import numpy as np
import skimage.metrics
import tensorflow as tf

from experiments.benchmarks import tools
from repose_tf.metrics import image_metrics

IMAGE_SIZE = 256  # px
BATCH_SIZE = 16


def run(rounds, max_gigabytes, plot_dir):
    """Measures everything; returns Markdown. Nothing here is large, and there is no plot."""
    del max_gigabytes, plot_dir
    return (f'Batches of {BATCH_SIZE} pairs at {IMAGE_SIZE} px.\n\n'
            f'{tools.table(measured(IMAGE_SIZE, BATCH_SIZE, rounds))}')


def measured(image_size, batch_size, rounds):
    """Returns a row for each metric."""
    generated, truth, mask = images(image_size, batch_size)
    ours = {name: ours_of(name, generated, truth, mask) for name in referees(truth, generated, mask)}
    theirs = {f'{name} by scikit-image': function for name, function in referees(
        *(image.astype(np.float64) for image in (generated, truth, mask))).items()}
    apart = {name: np.abs(np.array(function()) - theirs[f'{name} by scikit-image']()).max()
             for name, function in ours.items()}
    times, busy = tools.seconds_and_processor_seconds({**ours, **theirs}, rounds)
    return [{'metric': name, 'pairs/s': f'{batch_size / times[name]:.0f}',
             'scikit-image, pairs/s': f'{batch_size / times[f"{name} by scikit-image"]:.0f}',
             'times as fast': f'{times[f"{name} by scikit-image"] / times[name]:.1f}',
             'of the CPU time': f'1/{busy[f"{name} by scikit-image"] / busy[name]:.1f}',
             'largest difference': f'{apart[name]:.1e}'} for name in ours]


def images(image_size, batch_size):
    """Returns photo-like images and others with noise, [B, S, S, 3], and masks [B, S, S, 1], float32 in [0, 1]."""
    rng = np.random.default_rng(0)
    coarse = tf.constant(rng.uniform(size=(batch_size, 16, 16, 4)), tf.float32)
    smooth = tf.image.resize(coarse, (image_size, image_size), 'bicubic').numpy().clip(0, 1)
    truth, mask = smooth[..., :3], np.float32(smooth[..., 3:] > 0.6)
    noise = rng.normal(0, 0.05, truth.shape).astype(np.float32)
    return (truth + noise).clip(0, 1), truth, mask


def ours_of(name, generated, truth, mask):
    """Returns a function without arguments that computes one of our metrics in a graph."""
    arguments = [tf.constant(image) for image in (generated, truth, mask)][:3 if name.endswith('_fg') else 2]
    compute = tf.function(getattr(image_metrics, name), autograph=False)
    return lambda: compute(*arguments).numpy()


def referees(generated, truth, mask):
    """Returns dict, metric -> function without arguments that computes it picture by picture, [B].

    In float64, as scikit-image would compute by default; `l1_fg`, which it does not have, by NumPy.
    """
    options = {'data_range': 1.0, 'channel_axis': -1}
    similarity = skimage.metrics.structural_similarity
    pairs = list(zip(generated, truth, mask, strict=True))

    def ssim_fg(left, right, weight):
        ssim_map = similarity(left, right, full=True, **options)[1].mean(-1)
        return np.average(ssim_map, weights=weight[..., 0])

    single = {
        'ssim': lambda left, right, _: similarity(left, right, **options),
        'ssim_fg': ssim_fg,
        'ssim_gauss': lambda left, right, _: similarity(
            left, right, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, **options),
        'psnr': lambda left, right, _: skimage.metrics.peak_signal_noise_ratio(right, left, data_range=1.0),
        'l1_fg': lambda left, right, weight: np.average(np.abs(left - right).mean(-1), weights=weight[..., 0])}
    return {name: lambda metric=metric: [metric(*pair) for pair in pairs] for name, metric in single.items()}
