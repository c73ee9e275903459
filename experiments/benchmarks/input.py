"""Pairs a second of the input pipeline, stage by stage, and how long a training step waits for them."""

import tempfile
import time

import numpy as np
import tensorflow as tf

from data_pipeline.batches import augment, input_pipeline
from data_pipeline.batches.colour import COLOUR_STEPS
from data_pipeline.batches.frames import FramePictures, FrameStore
from data_pipeline.people.people_builder import PeopleBuilder
from experiments.benchmarks import tools
from experiments.configuration.settings import Settings
from experiments.training.trainer import Trainer

SOURCE_DIR = 'data/people'
IMAGE_SIZE = 256  # px, of the pictures in SOURCE_DIR too
BATCH_SIZE = 16
_NUM_BATCHES = 6  # that a stage makes every time it is measured
# The quickstart's without its perceptual loss, which would take time.
_STEP_SETTINGS = Settings().changed(
    preset='small', batch_size=8, perceptual_weight=0, adversarial_weight=0, l1_weight=10)


def run(rounds, max_gigabytes, plot_dir):
    """Measures everything; returns Markdown. Nothing here is large, and there is no plot."""
    del max_gigabytes, plot_dir
    with tempfile.TemporaryDirectory() as data_dir:
        builder = PeopleBuilder.opened(SOURCE_DIR, data_dir)
        steps = waiting(builder, rounds)
        stages = measured(builder, rounds)
    return (f'Pictures: JPEG of 256 x 256 px, about 15 kB, of data/people. Batches of {BATCH_SIZE} pairs at '
            f'{IMAGE_SIZE} px; whole training pairs with mask and poses.\n\n{tools.table(stages)}\n\n'
            f'{tools.table(steps)}')


def measured(builder, rounds):
    """Returns the rows of the stages: each begins with what the one before left, the pipelines with the files."""
    store = FrameStore(builder, ['train'])
    decoding = FramePictures(store, IMAGE_SIZE)
    batch = next(iter(pipeline(builder)))
    images = {name: value for name, value in batch.items() if value.dtype in (tf.uint8, tf.float32)}
    frames = BATCH_SIZE * _NUM_BATCHES
    pipelines = {
        'pictures read and decoded': pipeline(builder),
        'files kept, decoded': pipeline(builder, store.num_bytes),
        'decoded once before': pipeline(builder, 10 ** 10)}
    functions = {
        'two pictures read': drained(store.image_file, 2 * frames, len(store.ids)),
        'two pictures read and decoded': drained(decoding.image, 2 * frames, len(store.ids)),
        **{f'drawn, batched; {name}': following(made) for name, made in pipelines.items()},
        'augmented, batched': batched(images),
        'augmented, one pair at a time': one_by_one(images),
        'augmented, a picture at a time by tf.image in tf.data': by_tf_image(images),
        **{f'**everything**; {name}': following(made, augment.augment) for name, made in pipelines.items()},
    }
    times, busy = tools.seconds_and_processor_seconds(functions, rounds)
    return [{'stage': name, 'pairs/s': f'{frames / seconds:.0f}',
             'CPU time a pair, all cores, ms': f'{1000 * busy[name] / frames:.2f}',
             'CPU time, times the batched': f'{busy[name] / busy["augmented, batched"]:.2f}'
             if name.startswith('augmented') else ''} for name, seconds in times.items()]


def pipeline(builder, cache_bytes=0):
    """Makes the pipeline; memory for the files of the pictures is less than for the pixels."""
    return input_pipeline.train_batches(builder, IMAGE_SIZE, BATCH_SIZE, 0, cache_bytes=cache_bytes)


def drained(load, count, num_frames):
    """Loads so many frames on all cores, one after the other."""
    loaded = tf.data.Dataset.range(count).map(lambda number: load(number % num_frames), tf.data.AUTOTUNE)
    counted = loaded.map(tf.size)
    return lambda: counted.reduce(0, tf.add).numpy()


def following(batches, function=None):
    """Takes batches of a pipeline that starts anew, so that none were made ahead; `function` is of (batch, seed)."""
    apply = tf.function(function, autograph=False) if function else lambda batch, seed: batch

    def take():
        for batch in batches.take(_NUM_BATCHES):
            result = apply(batch, tf.constant([0, 0]))
            tf.reshape(result['source_image'], [-1])[0].numpy()
    return take


def batched(batch):
    call = tools.waited(tf.function(augment.augment, autograph=False), batch, tf.constant([0, 0]))
    return lambda: [call() for _ in range(_NUM_BATCHES)]


def one_by_one(batch):
    """The same function, of batches of one."""
    apply = tf.function(augment.augment, autograph=False)
    pairs = [{name: value[index:index + 1] for name, value in batch.items()} for index in range(BATCH_SIZE)]
    calls = [tools.waited(apply, pair, tf.constant([0, 0])) for pair in pairs]
    return lambda: [call() for _ in range(_NUM_BATCHES) for call in calls]


def by_tf_image(batch):
    """What input pipelines usually do: the same distortions by TensorFlow's ops for one picture, in tf.data.map."""
    pairs = tf.data.Dataset.from_tensor_slices((batch, *draws(tf.constant([0, 0]), BATCH_SIZE, IMAGE_SIZE)))
    made = pairs.repeat(_NUM_BATCHES).map(distort_one, tf.data.AUTOTUNE).batch(BATCH_SIZE)
    return lambda: [result['source_image'].shape for result in made]


def draws(seed, num_samples, image_size):
    """Returns the warp, the factors of the colours and their order that `augment` draws."""
    geometry_seed, colour_seed, _ = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    return (augment.draw_warp(geometry_seed, num_samples, float(image_size), augment.REFERENCE),
            *augment.draw_colour(colour_seed, num_samples, augment.REFERENCE))


def distort_one(pair, warp, factors, order):
    """Does to one pair what `augment` does to a batch, but for the noise in z."""
    pair = dict(pair)
    size = tf.cast(tf.shape(pair['source_image'])[0], tf.float32)
    for name in ('source_image', 'target_image', 'source_mask', 'target_mask'):
        image = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(pair[name], tf.float32)[tf.newaxis] / 255.0, transforms=pixel_map(warp, size)[tf.newaxis],
            output_shape=tf.shape(pair[name])[:2], fill_value=0.0, interpolation='BILINEAR', fill_mode='NEAREST')[0]
        pair[name] = image if name.endswith('mask') else 2.0 * by_steps(image, factors, order) - 1.0
    for name in ('source_pose', 'target_pose'):
        one = {key: value[tf.newaxis] for key, value in warp.items()}
        pair[name] = augment.warp_poses(pair[name][tf.newaxis], size, **one)[0]
    return pair


def by_steps(image, factors, order):
    """Distorts the colours of one picture [H, W, 3] by tf.image."""
    def step(name, image):
        return lambda: getattr(tf.image, f'adjust_{name}')(image, factors[name])

    for place in range(len(COLOUR_STEPS)):
        image = tf.clip_by_value(tf.switch_case(order[place], [step(name, image) for name in COLOUR_STEPS]), 0.0, 1.0)
    return image


def pixel_map(warp, size):
    """Returns the eight numbers of the map from a target pixel to its source pixel that the op wants."""
    cos, sin = tf.cos(warp['angle']) / warp['scale'], tf.sin(warp['angle']) / warp['scale']
    flip = tf.where(warp['mirrored'], -1.0, 1.0)
    matrix = tf.reshape(tf.stack([flip * cos, flip * sin, -sin, cos]), (2, 2))
    centre = (size - 1.0) / 2.0
    offset = centre - tf.linalg.matvec(matrix, centre + warp['shift_px'])
    return tf.pad(tf.reshape(tf.concat([matrix, offset[:, tf.newaxis]], axis=1), [6]), [[0, 2]])


def waiting(builder, rounds):
    """Returns the rows of real training steps: how long they last and how long they wait for a batch."""
    trainer = Trainer(_STEP_SETTINGS, tf.distribute.get_strategy())
    size, batch_size = _STEP_SETTINGS.model.architecture().image_size, _STEP_SETTINGS.train.batch_size
    rows = []
    for name, cache_bytes in (('whenever they occur', 0), ('once before', 10 ** 10)):
        batches = iter(input_pipeline.train_batches(builder, size, batch_size, 0, cache_bytes=cache_bytes))
        trainer.step(next(batches))  # builds the graph
        waits, steps = [], []
        for _ in range(rounds):
            start = time.perf_counter()
            batch = next(batches)
            got = time.perf_counter()
            float(trainer.step(batch)['loss/generator'])
            waits.append(got - start)
            steps.append(time.perf_counter() - start)
        rows.append({'training step (preset small)': f'{batch_size} pairs at {size} px', 'pictures decoded': name,
                     'step, s': f'{np.median(steps):.3f}', 'of it waiting, ms': f'{1000 * np.mean(waits):.2f}',
                     'share': f'{100 * sum(waits) / sum(steps):.2f} %'})
    return rows
