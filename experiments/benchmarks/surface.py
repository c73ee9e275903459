"""The surface warp: times a picture by size, sources and people, forward and with the gradient of the images."""

import numpy as np
import tensorflow as tf

from experiments.benchmarks import tools
from repose_tf.detail import surface_warp, surfaces
from tests.support import cases

CHANNELS = 4  # colours and the person's mask
# (rows and columns, sources, batch)
SIZES = ((128, 1, 1), (256, 1, 1), (256, 1, 4), (256, 2, 1), (256, 4, 1), (512, 1, 1))
CURVE_SCALES = (0.25, 0.5, 0.75, 1.0, 1.3)


def run(rounds, max_gigabytes, plot_dir):
    """Measures everything; returns Markdown."""
    del max_gigabytes, plot_dir
    by_size = [measured(*size, rounds) for size in SIZES]
    by_people = [measured(256, 1, 1, rounds, scale) for scale in CURVE_SCALES]
    return f'{tools.table(by_size)}\n\nPeople of other sizes, 256 px:\n\n{tools.table(by_people)}'


def measured(size, num_sources, batch, rounds, scale=1.0):
    """Returns a row of the table: one size of pictures and of people."""
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(batch, num_sources, size, size, CHANNELS)).astype(np.float32)
    sources = cases.person_poses(rng, batch * num_sources, size, scale=scale).reshape(batch, num_sources, -1, 3)
    target = cases.person_poses(rng, batch, size, scale=scale)
    part = surfaces.nearest_points(tf.constant(target), (size, size)).maps()['part'].numpy()
    arguments = [tf.constant(argument) for argument in (images, sources, target)]
    depth_px = surface_warp.source_depth(arguments[1], surface_warp.source_parts(arguments[1], (size, size)))
    times, busy = tools.seconds_and_processor_seconds({
        name: tools.waited(tf.function(function, autograph=False), *arguments)
        for name, function in (('forward', surface_warp.warp), ('both', with_gradient), (
            'next', lambda *tensors: surface_warp.warp(*tensors, source_depth_px=depth_px)))}, rounds)
    pictures = batch / 1000
    return {'size': f'{size} x {size}', 'sources': num_sources, 'batch': batch, 'size of the person': scale,
            'pixels covered, % of the picture': f'{100 * np.mean(part[..., 0] >= 0):.1f}',
            'forward, ms a picture': f'{times["forward"] / pictures:.1f}',
            'forward, of a source known before': f'{times["next"] / pictures:.1f}',
            'CPU time, ms a picture': f'{busy["forward"] / pictures:.1f}',
            'forward + backward, ms a picture': f'{times["both"] / pictures:.1f}'}


def with_gradient(images, source_poses_px, target_pose_px):
    """Warps, and returns the gradient of the images, too."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        result = surface_warp.warp(images, source_poses_px, target_pose_px)
    return result, tape.gradient(result['values'], images)
