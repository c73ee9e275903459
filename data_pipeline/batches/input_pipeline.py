"""Batches of pairs from records, by tf.data: endless random pairs for training, fixed pairs for evaluation.

A batch is a dict: source_image, target_image [B, S, S, 3] uint8; source_pose, target_pose [B, 19, 3] float32,
px of those images; source_id, target_id [B] string, `person/frame`; source_mask, target_mask [B, S, S, 1] uint8,
0 or 255, and has_source_mask, has_target_mask [B] bool: where it is False, the mask is all 0. Nothing is distorted
here but by JPEG noise; see augment.py.
"""

import tensorflow as tf

from data_pipeline.batches import jpeg_noise
from data_pipeline.batches.frames import FramePictures, FrameStore
from data_pipeline.errors import DataError
from repose_tf.coordinates import scale_pose

_ENDLESS = 2 ** 40  # steps


def train_batches(builder, image_size, batch_size, seed, *, first_step=0, shard=(0, 1), splits=('train',),
                  cache_bytes=0, jpeg_share=0.0, announce=lambda line: None):
    """Returns an endless tf.data.Dataset of batches of random pairs of the training split, see above.

    A pair is two different pictures of one person, all pairs of a person being equally likely; persons take turns, in
    a new order every time. A pair depends on the seed and its number alone: a run that starts at a later step has the
    same pairs there, without reading those before.

    Args:
      builder: a prepared TFDS builder with records as of `RecordBuilder`.
      image_size: S, px.
      batch_size: B, over all shards.
      seed: int.
      first_step: number of the first batch, from 0.
      shard: (index, count): only these rows of every batch, B / count consecutive ones, for one of `count` workers.
      splits: names of splits.
      cache_bytes: see `FramePictures`.
      jpeg_share: of the pairs whose pictures are compressed, see `jpeg_noise`.
      announce: function of a line of text, which says how many pictures there are and whether they are kept.

    Raises:
      DataError: there is no such split, or its records cannot be read.
    """
    index, count = shard
    if batch_size % count or not 0 <= index < count:
        raise ValueError(f'shard: expected (index, count), count a divisor of {batch_size}, found {shard}.')
    store = FrameStore(builder, splits)
    pictures = FramePictures(store, image_size, cache_bytes)
    announce(f'{len(store.ids)} training pictures of {len(store.counts)} persons, {pictures.description}')
    num_rows = batch_size // count

    def rows(step):
        first = step * batch_size + index * num_rows
        return tf.data.Dataset.range(first, first + num_rows)

    numbers = tf.data.Dataset.range(first_step, _ENDLESS).flat_map(rows)
    def pair(number):
        found = _load_pair(store, pictures, *_draw_pair(store.counts, seed, number))
        return jpeg_noise.compressed(found, seed, number, jpeg_share) if jpeg_share else found

    pairs = numbers.map(pair, tf.data.AUTOTUNE)
    # While a batch is trained on, the next ones are made.
    return _deterministic(pairs.batch(num_rows, drop_remainder=True)).prefetch(tf.data.AUTOTUNE)


def pair_batches(builder, split, pairs, image_size, batch_size, store=None):
    """Returns a tf.data.Dataset of batches of fixed pairs in their order, see above; the last batch may be smaller.

    Args:
      builder: a prepared TFDS builder with records as of `RecordBuilder`.
      split: the split that the pairs are of.
      pairs: list of (source id, target id).
      image_size: S, px.
      batch_size: B.
      store: the split's `FrameStore`, or None to make one, which reads all records.

    Raises:
      DataError: there are no pairs, or one names a picture that the split does not have.
    """
    if not pairs:
        raise DataError(f'Pairs of {builder.info.full_name}, {split}: expected one or more, found none.')
    store = store or FrameStore(builder, [split])
    number_of = {frame_id: number for number, frame_id in enumerate(store.ids)}
    if missing := sorted({frame_id for pair in pairs for frame_id in pair} - set(number_of)):
        raise DataError(f'Pairs of {builder.info.full_name}, {split}: expected pictures of this split, found '
                        f'{missing[0]!r} ({len(missing)} in all).')
    numbers = tf.data.Dataset.from_tensor_slices([[number_of[frame_id] for frame_id in pair] for pair in pairs])
    pictures = FramePictures(store, image_size)
    batches = numbers.map(
        lambda pair: _load_pair(store, pictures, pair[0], pair[1]), tf.data.AUTOTUNE).batch(batch_size)
    return _deterministic(batches).prefetch(tf.data.AUTOTUNE)


def _draw_pair(counts, seed, number):
    """Returns the numbers of two different frames of one person, scalar int64; `counts` as in `FrameStore`."""
    num_persons = len(counts)
    turn, place = number // num_persons, number % num_persons
    person = tf.random.experimental.index_shuffle(place, tf.stack([seed, turn]), num_persons - 1)
    num_frames = tf.gather(tf.constant(counts, tf.int64), person)
    uniform = tf.random.stateless_uniform([2], tf.stack([seed, number]), dtype=tf.float64)
    source, target = tf.unstack(tf.cast(uniform * tf.cast([num_frames, num_frames - 1], tf.float64), tf.int64))
    target += tf.cast(target >= source, tf.int64)
    first = tf.gather(tf.math.cumsum(tf.constant(counts, tf.int64), exclusive=True), person)
    return first + source, first + target


def _load_pair(store, pictures, source, target):
    """Returns the pair of two frames, by number, at its size."""
    pair = {}
    for side, number in (('source', source), ('target', target)):
        pair[f'{side}_image'], pair[f'{side}_mask'] = pictures.image_and_mask(number)
        pair[f'has_{side}_mask'] = tf.gather(store.has_mask, number)
        factor = pictures.image_size / tf.gather(store.sizes, number)
        pair[f'{side}_pose'] = scale_pose(tf.gather(store.poses_px, number), tf.cast(factor, tf.float32))
        pair[f'{side}_id'] = store.frame_id(number)
    return pair


def _deterministic(dataset):
    """Makes parallel steps keep their order, so that the seed decides everything."""
    options = tf.data.Options()
    options.deterministic = True
    return dataset.with_options(options)
