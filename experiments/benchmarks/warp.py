"""The warp against what a user could take instead, and against a pass over the volume, which is the limit."""

import functools
import os

import numpy as np
import tensorflow as tf

from experiments.benchmarks import tools
from repose_tf.coordinates import VolumeGrid
from repose_tf.warp import body_parts, helmert
from repose_tf.warp import candidates as warp_candidates
from repose_tf.warp.volumetric_warp import vox_transforms, warp
from tests.support import cases
from tests.support.dense_warp import dense_warp

# (rows and columns, depth, channels), batch
SIZES = (((32, 32, 16), 2), ((64, 32, 32), 1), ((64, 32, 32), 2), ((64, 32, 32), 4), ((64, 32, 32), 8),
         ((64, 32, 64), 2), ((128, 64, 32), 2))
WITH_PEERS = ((32, 32, 16), (64, 32, 32))
CURVE_SCALES = (0.1, 0.4, 0.7, 1.0, 1.3, 1.6)


class Case:
    """Volumes and poses of one size; NumPy arrays."""

    def __init__(self, size, batch, scale=1.0, seed=0):
        rows, depth, channels = size
        self.grid = VolumeGrid(4 * rows, rows + 1, depth + 1)
        rng = np.random.default_rng(seed)
        self.volume = rng.normal(size=(batch, rows, rows, depth, channels)).astype(np.float32)
        self.poses = [cases.person_poses(rng, batch, self.grid.image_size, scale=scale) for _ in range(2)]

    @property
    def arguments(self):
        return self.volume, *self.poses

    def fast(self, volume, source, target):
        return warp(volume, source, target, self.grid)

    def dense(self, volume, source, target):
        return dense_warp(volume, source, target, self.grid, num_at_once=1)  # as little memory as it can do with

    def transforms(self):
        """Transforms of the parts in voxels, [B, P, 4, 4]."""
        return vox_transforms(helmert.part_transforms(*map(tf.constant, self.poses)), self.grid)

    def masks(self):
        """Part masks, NumPy array [B, H, W, D, P]."""
        return body_parts.part_masks(tf.constant(self.poses[0]), self.grid)[:, :-1, :-1, :-1].numpy()

    def sampled_points(self):
        """Where each part samples each cell, list of P NumPy arrays [B, cells, 3] in voxels."""
        shape = self.volume.shape[1:4]
        cells = np.stack([*np.indices(shape).reshape(3, -1), np.ones(np.prod(shape))]).astype(np.float32)
        transforms = self.transforms().numpy()[:, :, :3].astype(np.float32)
        return [np.swapaxes(transforms[:, part] @ cells, 1, 2) for part in range(transforms.shape[1])]

    def num_candidates(self):
        """How many pairs of part and voxel the warp computes."""
        capsules, shape = body_parts.voxel_capsules(tf.constant(self.poses[0]), self.grid), self.volume.shape[1:4]
        candidates = warp_candidates.volume_candidates(
            capsules, body_parts.CAPSULE_PARTS, self.transforms(), shape, shape)
        return int(tf.size(candidates.voxels))


def run(rounds, max_gigabytes, plot_dir):
    """Measures everything; returns Markdown and leaves a plot in `plot_dir`, if there is one."""
    rows = [row for size, batch in SIZES for row in measured(size, batch, rounds, max_gigabytes)]
    curve = [on_curve(scale, rounds) for scale in CURVE_SCALES]
    text = f'{tools.table(rows)}\n\n{tools.table(curve)}'
    if plot_dir is None:
        return text
    name = 'performance_warp.svg'
    series = {label: [(row['candidates'] / 1000, row[f'{label}, ms']) for row in curve]
              for label in ('forward', 'forward + backward', 'copy')}
    tools.line_plot(
        os.path.join(plot_dir, name), series, 'thousand pairs of part and voxel in the batch', 'ms')
    return f'{text}\n\n![Time of the warp over the voxels that the parts fill]({name})'


def measured(size, batch, rounds, max_gigabytes):
    """Returns the table's rows of one size, one per method."""
    case = Case(size, batch)
    methods = {'**this warp**': tensorflow_runs(case.fast, *case.arguments)}
    if size in WITH_PEERS and batch == 2:
        # Forward and backward, they keep the eight corners of every part: some hundred volumes.
        is_small = 100 * case.volume.nbytes < max_gigabytes * 1e9
        methods['dense'] = tensorflow_runs(case.dense, *case.arguments, with_gradient=is_small)
        for name, make in (('TensorFlow Graphics', graphics), ('PyTorch', torch_runs)):
            runs = make(case, is_small)
            if runs:
                methods[name] = runs
    methods = {'copy': {'forward': copy_runs(case.volume)}, 'copy by NumPy': {'forward': case.volume.copy}, **methods}
    times = tools.seconds({(name, step): run for name, steps in methods.items() for step, run in steps.items()}, rounds)
    copy = times['copy', 'forward']
    peaks = {'**this warp**': case.fast, 'dense': case.dense}
    rows = []
    for name in methods:
        forward, both = (times.get((name, step)) for step in ('forward', 'both'))
        peak = None
        if name in peaks and (size, batch) == SIZES[2]:
            peak = tools.peak_bytes(peaks[name], *case.arguments) / case.volume.nbytes
        rows.append({
            'size': '{0} x {0} x {1} x {2}'.format(*size), 'batch': batch, 'method': name,
            'forward, ms': shown(forward, 1000), 'copies': shown(forward, 1 / copy),
            'forward + backward, ms': shown(both, 1000), 'copies ': shown(both, 1 / copy),
            'peak of the forward pass, volumes': shown(peak, 1)})
    return rows


def shown(number, factor):
    return '' if number is None else f'{number * factor:.3g}'


def on_curve(scale, rounds):
    """Returns the times for people of one size in the same volume."""
    case = Case((64, 32, 32), 2, scale)
    functions = {'copy': copy_runs(case.volume), **tensorflow_runs(case.fast, *case.arguments)}
    times = tools.seconds(functions, rounds)
    return {'size of the person': scale, 'volume filled, %': f'{100 * case.masks().max(-1).mean():.2f}',
            'candidates': case.num_candidates(),
            **{f'{label}, ms': round(1000 * times[name], 1) for label, name in
               (('forward', 'forward'), ('forward + backward', 'both'), ('copy', 'copy'))}}


def copy_runs(volume):
    """One pass over the volume that writes another: the least that any warp costs."""
    return tools.waited(tf.function(lambda x: x + 1.0, autograph=False), tf.constant(volume))


def tensorflow_runs(function, *arguments, with_gradient=True):
    """Forward, and forward with backward to the first argument, as functions without arguments."""
    def both(volume, *poses):
        with tf.GradientTape() as tape:
            tape.watch(volume)
            result = function(volume, *poses)
        return result, tape.gradient(result, volume, volume)

    steps = {'forward': function, 'both': both} if with_gradient else {'forward': function}
    # Arguments, not constants of the graph, or it would be simplified around them.
    arguments = [tf.constant(argument) for argument in arguments]
    return {name: tools.waited(tf.function(step, autograph=False), *arguments)
            for name, step in steps.items()}


def graphics(case, with_gradient):
    """TensorFlow Graphics' trilinear interpolation over ten masked copies, where it is installed."""
    try:
        from tensorflow_graphics.math.interpolation import trilinear
    except ImportError:
        return None
    masks, points = case.masks(), case.sampled_points()

    def composite(volume):
        # A border of zeros: there it repeats the outermost cells.
        sampled = [trilinear.interpolate(
            tf.pad(volume * masks[..., part, None], [[0, 0], *[[1, 1]] * 3, [0, 0]]), of_part + 1.0)
            for part, of_part in enumerate(points)]
        return tf.reshape(functools.reduce(tf.maximum, sampled), volume.shape)

    return tensorflow_runs(composite, case.volume, with_gradient=with_gradient)


def torch_runs(case, with_gradient):
    """PyTorch's grid_sample over ten masked copies, channels first as it likes it, where it is installed."""
    try:
        import torch
    except ImportError:
        return None
    shape = case.volume.shape[1:4]
    volume = torch.from_numpy(np.ascontiguousarray(np.moveaxis(case.volume, -1, 1)))
    masks = torch.from_numpy(np.ascontiguousarray(np.moveaxis(case.masks(), -1, 0)))[:, :, None]
    scaled = [2.0 * points / (np.array(shape, np.float32) - 1.0) - 1.0 for points in case.sampled_points()]
    grids = [torch.from_numpy(points[..., ::-1].reshape(-1, *shape, 3).copy()) for points in scaled]

    def composite(volume):
        return functools.reduce(torch.maximum, (
            torch.nn.functional.grid_sample(volume * mask, grid, align_corners=True)
            for mask, grid in zip(masks, grids, strict=True)))

    def both():
        leaf = volume.clone().requires_grad_()
        composite(leaf).backward(volume)
        return leaf.grad

    steps = {'forward': lambda: composite(volume)}
    return {**steps, 'both': both} if with_gradient else steps
