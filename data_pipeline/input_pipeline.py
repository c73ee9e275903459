"""From records to batches of pairs, by tf.data: for training without end, for evaluation over fixed pairs.

A batch is a dict: source_image, target_image [B, S, S, 3] uint8; source_pose, target_pose [B, 19, 3] float32,
px of those images; source_id, target_id [B] string, `person/frame`; target_mask [B, S, S, 1] uint8, 0 or 255,
and has_target_mask [B] bool: where it is False, the mask is all 0. Nothing is distorted here; see augment.py.
"""

import tensorflow as tf  # before tensorflow_datasets, which would otherwise load without it
import tensorflow_datasets as tfds

from data_pipeline.errors import DataError
from repose_tf.coordinates import scale_pose

_SHUFFLE_BUFFER = 512  # pairs; as files on disk, which is some ten MB


def train_batches(builder, image_size, batch_size, seed):
    """Returns an endless dataset of batches of random pairs of the training split.

    A pair is two different pictures of one record, and so of one person; both drawn alike. All follows from
    the seed. Persons come up equally often, but for those with so many pictures that they have
    several records, which count each.

    Args:
      builder: a prepared TFDS builder with records as of `RecordBuilder`.
      image_size: S, px.
      batch_size: B.
      seed: int.

    Returns:
      tf.data.Dataset of batches, see above.
    """
    # Shards in a new order every epoch and several read at once: the first, coarse shuffle.
    read_config = tfds.ReadConfig(shuffle_seed=seed, interleave_cycle_length=8, try_autocache=False)
    records = builder.as_dataset(split='train', shuffle_files=True, read_config=read_config)
    # Before the pairs are drawn, or every epoch would bring the same ones.
    records = records.repeat().enumerate()
    # Before the fine shuffle, which then holds two pictures of a record, not 32, and these still as files.
    pairs = records.map(lambda index, record: _draw_pair(record, (seed, index)), tf.data.AUTOTUNE)
    pairs = pairs.shuffle(_SHUFFLE_BUFFER, seed)
    # Decoding is the costly part: last, only what is used, on all cores.
    batches = pairs.map(lambda *pair: _load_pair(*pair, image_size), tf.data.AUTOTUNE)
    # While a batch is trained on, the next ones are made.
    return _deterministic(batches.batch(batch_size, drop_remainder=True)).prefetch(tf.data.AUTOTUNE)


def pair_batches(builder, split, pairs, image_size, batch_size):
    """Returns a dataset of batches of fixed pairs in their order; the last batch may be smaller.

    The files of the pictures that occur are kept in memory.

    Args:
      builder: a prepared TFDS builder with records as of `RecordBuilder`.
      split: the split that the pairs are of.
      pairs: list of (source id, target id).
      image_size: S, px.
      batch_size: B.

    Returns:
      tf.data.Dataset of batches, see above.

    Raises:
      DataError: there are no pairs, or one names a picture that the split does not have.
    """
    if not pairs:
        raise DataError(f'Pairs of {builder.info.full_name}, {split}: expected one or more, found none.')
    frames = _find_frames(builder, split, {frame_id for pair in pairs for frame_id in pair})
    index_of = {frame_id: index for index, frame_id in enumerate(frames)}
    names = next(iter(frames.values()))
    table = {name: tf.stack([frame[name] for frame in frames.values()]) for name in names}
    indices = tf.constant([[index_of[source], index_of[target]] for source, target in pairs])

    def load(index):
        source, target = ({name: column[row] for name, column in table.items()} for row in tf.unstack(index))
        return _load_pair(source, target, image_size)

    batches = tf.data.Dataset.from_tensor_slices(indices).map(load, tf.data.AUTOTUNE).batch(batch_size)
    return _deterministic(batches).prefetch(tf.data.AUTOTUNE)


def _draw_pair(record, seed):
    """Draws two different frames of a record, as dicts of tensors."""
    frames = record['frames']
    num_frames = tf.shape(frames['image'])[0]
    # The smallest two of as many random numbers: every ordered pair has the same chance.
    draws = tf.random.stateless_uniform([num_frames], tf.stack([tf.cast(part, tf.int64) for part in seed]))
    order = tf.argsort(draws)
    return tuple(_frame(record, order[place]) for place in range(2))


def _frame(record, index):
    """Returns one frame of a record: its files, its pose and its id."""
    frame = {name: column[index] for name, column in record['frames'].items()}
    return {'id': tf.strings.join([record['person'], frame['name']], '/'),
            **{name: frame[name] for name in ('image', 'mask', 'size', 'pose_px')}}


def _find_frames(builder, split, wanted):
    """Reads a split once and returns dict, id -> frame, of the wanted ids."""
    if split not in builder.info.splits:
        raise DataError(f'{builder.info.full_name}: expected one of the splits '
                        f'{", ".join(builder.info.splits)}, found {split!r}.')
    frames = {}
    for record in builder.as_dataset(split=split):
        person = record['person'].numpy().decode()
        for index, name in enumerate(record['frames']['name'].numpy()):
            frame_id = f'{person}/{name.decode()}'
            if frame_id in wanted:
                frames[frame_id] = _frame(record, index)
    if missing := sorted(wanted - set(frames)):
        raise DataError(f'Pairs of {builder.info.full_name}, {split}: expected pictures of this split, found '
                        f'{missing[0]!r} ({len(missing)} in all).')
    return frames


def _load_pair(source, target, image_size):
    """Decodes two frames and brings them to size."""
    has_mask = tf.strings.length(target['mask']) > 0
    mask = tf.cond(has_mask, lambda: _mask(target, image_size),
                   lambda: tf.zeros([image_size, image_size, 1], tf.uint8))
    batch = {'target_mask': mask, 'has_target_mask': has_mask}
    for side, frame in (('source', source), ('target', target)):
        image = _resize(_decode(frame['image'], 3), frame['size'], image_size)
        factor = image_size / frame['size']
        batch[f'{side}_image'] = tf.cast(tf.round(image), tf.uint8)
        batch[f'{side}_pose'] = scale_pose(frame['pose_px'], tf.cast(factor, tf.float32))
        batch[f'{side}_id'] = frame['id']
    return batch


def _mask(frame, image_size):
    """Returns a frame's mask, 255 where at least half of a pixel is the person."""
    mask = _resize(_decode(frame['mask'], 1), frame['size'], image_size)
    return tf.where(mask >= 127.5, tf.constant(255, tf.uint8), tf.constant(0, tf.uint8))


def _decode(data, num_channels):
    """Decodes a JPEG or PNG file to [S, S, C] uint8."""
    image = tf.io.decode_image(data, num_channels, expand_animations=False)
    return tf.ensure_shape(image, [None, None, num_channels])


def _resize(image, size, image_size):
    """Resizes a square image [S, S, C] to float32 [image_size, image_size, C]; averages where it shrinks."""
    def area():
        return tf.image.resize(image, [image_size, image_size], 'area')

    def bilinear():
        return tf.image.resize(image, [image_size, image_size], 'bilinear')

    return tf.cond(image_size < size, area, bilinear)


def _deterministic(dataset):
    """Makes parallel steps keep their order, so that the seed decides everything."""
    options = tf.data.Options()
    options.deterministic = True
    return dataset.with_options(options)
