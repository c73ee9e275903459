"""Sources of pairs and their true pictures: a protocol of a data set, or two folders of pictures.

A pair source has `name` (of what is scored, in words), `facts` (dict of texts for the report), `identity` (dict of
everything but the system that decides the scores), `pairs`, `groups` (the person of each pair), `num_expected` (number
of pairs of the whole protocol), `lacking` (dict, pair of the protocol that cannot be scored -> why), `image_size` px,
`scored_columns` (slice), `pose_changes` (dict, name -> [N]) and `before` (dict, pair -> that of the frame before, of
films); `labels` (dict, kind -> [N] texts, by which scores are grouped); `batches(pairs, batch_size)` yields batches as
`augment.prepare` returns them.
"""

import functools
import pathlib

import numpy as np
import tensorflow as tf

from data_pipeline.batches import augment
from data_pipeline.errors import DataError
from data_pipeline.files import sha256_of_files
from data_pipeline.finding import files_below, find_file
from data_pipeline.picture_file import read_image
from data_pipeline.poses.pose_file import true_mm
from data_pipeline.records.folder import IMAGE_SUFFIXES
from experiments.evaluation import further_photos, pose_change
from experiments.evaluation.strips import part_of
from repose_tf.picture_codec import image_from_pixels, pixels_from_image

_PATN_COLUMNS = (40, 216)  # of 256: the part of DeepFashion's pictures that the pose-transfer papers score
_MEAN_OF = 64  # of a person's pictures, for the baseline


def columns_of(protocol, image_size):
    """Returns the slice of columns that a protocol scores, of pictures of a size in px."""
    first, stop = _PATN_COLUMNS if protocol == 'patn-8570' else (0, 256)
    return slice(first * image_size // 256, stop * image_size // 256)


def pairs_of(batch):
    """Returns the (source id, target id) of a batch's pairs."""
    return [(source.decode(), target.decode()) for source, target in zip(
        batch['source_id'].numpy(), batch['target_id'].numpy(), strict=True)]


class DataPairs:
    """The pairs of a protocol of a data set, with poses and persons."""

    def __init__(self, data, split, num_pairs, image_size, num_photos=1):
        """Lists pairs.

        Args:
          data: `Data`.
          split: of it.
          num_pairs: so many of the split's pairs, spread over all; 0: all.
          image_size: of the pictures, px.
          num_photos: of the person that a batch holds, the source being the first; see `further_photos`.
        """
        self.data, self._split = data, split
        self.pairs = data.pairs(split, num_pairs)
        self.groups = [source.partition('/')[0] for source, _ in self.pairs]
        self.lacking = data.unscorable_pairs(split)
        self.num_expected = max(len(data.pairs(split)), len(self.pairs)) + len(self.lacking)
        self.image_size = image_size
        self.scored_columns = columns_of(data.protocol, image_size)
        self.name = f'{data.protocol}-{split}'
        columns = f'columns {self.scored_columns.start} to {self.scored_columns.stop}'
        self.facts = {'protocol': data.protocol, 'split': split, 'data': data.name,
                      'image size': f'{image_size} px, {columns}'}
        if data.films:
            self.facts['targets'] = f'one frame of {data.films.every} of each film'
        self.before = data.pairs_before(split)
        self.identity = dict(self.facts)
        if self.lacking:  # known by its name, too: what is scored here is not the protocol
            self.name = f'{data.protocol}-partial-{split}'
            self.facts['protocol'] = (f'{data.protocol}, PARTIAL: {len(self.lacking)} of its {self.num_expected} pairs '
                                      'cannot be scored')
        source_px, target_px = (np.stack([data.frame(pair[side]).pose.px for pair in self.pairs]) for side in (0, 1))
        factors = np.array([_relative_scale(*map(data.frame, pair)) for pair in self.pairs])[:, np.newaxis, np.newaxis]
        self.pose_changes = {
            'turn (degrees)': pose_change.turn_deg(source_px, target_px),
            'joint change (torso lengths)': pose_change.joint_change(source_px, target_px * factors)}
        self.has_arm_over_torso = pose_change.has_arm_over_torso(target_px)
        self.labels, self._further = {}, {}
        if num_photos > 1:
            frames_of = {person: list(map(data.frame, ids)) for person, ids in data.frame_ids(split).items()}
            self._further = further_photos.chosen(frames_of, self.pairs, num_photos - 1)
            self.labels = {'the target is seen from': further_photos.sides_shown(target_px)}
        self._sum_of = functools.lru_cache(maxsize=256)(self._sum)

    def batches(self, pairs, batch_size):
        """Yields prepared batches of some of the pairs, in their order.

        With further photos a batch also has `further_image` [B, N, S, S, 3], `further_pose` [B, N, 19, 3] and
        `further_mask` [B, N, S, S, 1], ranges as those of the source.
        """
        places = zip(*map(self._further.get, pairs), strict=True) if self._further else ()
        further = [self._prepared([(photo, target) for photo, (_, target) in zip(photos, pairs, strict=True)],
                                  batch_size) for photos in places]
        for batch, *others in zip(self._prepared(pairs, batch_size), *further, strict=True):
            yield batch | {f'further_{name}': tf.stack([other[f'source_{name}'] for other in others], axis=1)
                           for name in ('image', 'pose', 'mask') if others}

    def _prepared(self, pairs, batch_size):
        return map(augment.prepare, self.data.batches_of(self._split, pairs, self.image_size, batch_size))

    def true_mm(self, pairs):
        """Returns the true joints of the targets, [N, 19, 3] mm from the pelvis; NaN where the data have none."""
        return np.stack([true_mm(self.data.frame(target).pose) for _, target in pairs])

    def means_of_others(self, batch):
        """Returns the mean of up to 64 pictures of each target's person but the target, [B, S, S, 3] in [0, 255]."""
        means, targets = [], pixels_from_image(batch['target_image']).numpy()
        for target, image in zip(batch['target_id'].numpy(), targets, strict=True):
            ids, total = self._sum_of(target.decode().partition('/')[0])
            is_among = target.decode() in ids
            means.append((total - is_among * image.astype(np.float32)) / (len(ids) - is_among))
        return np.stack(means)

    def _sum(self, person):
        """Returns the ids of up to 64 pictures of a person, and the sum of the pictures, [S, S, 3] float32."""
        ids = self.data.frame_ids(self._split)[person]
        if len(ids) > _MEAN_OF:
            ids = [ids[index * len(ids) // _MEAN_OF] for index in range(_MEAN_OF)]
        return frozenset(ids), self.data.images(self._split, ids, self.image_size).sum(axis=0, dtype=np.float32)


class FilePairs:
    """Pictures of a folder, each with the true one of the same name in another; no poses and no persons."""

    def __init__(self, truth, masks='', part=0):
        """Lists the true pictures, all of one size, and hashes them; DataError where there are none.

        Args:
          truth: folder of the true pictures.
          masks: folder with a foreground mask for each, of its name, or ''.
          part: of a file that is a strip, the place of the true picture, see `part_of`. Pictures of strips are squares,
            or as wide as what the pose-transfer papers score of DeepFashion.
        """
        root, self._masks, self._part = pathlib.Path(truth), None, part
        files = [file for file in files_below(root) if file.suffix.lower() in IMAGE_SUFFIXES]
        self._files = {str(file.relative_to(root).with_suffix('')): file for file in files}
        if not files or len(files) != len(self._files):
            raise DataError(f'--truth={truth}: expected a folder of pictures, each of a name of its own, '
                            f'found {len(files)} pictures of {len(self._files)} names.')
        self.pairs = [(name, name) for name in self._files]
        self.groups = list(self._files)
        self.num_expected, self.lacking = len(self.pairs), {}
        self._shape = rows, columns, _ = self._true_picture(files[0]).shape
        self.image_size, self.scored_columns = rows, slice(0, columns)
        self.name = 'files'
        self.facts = {'protocol': 'files: pictures against those of the same name',
                      'truth': f'{root.resolve().name}, files {sha256_of_files(root, files)[:12]}'
                               + (f', part {part}' if part else ''),
                      'image size': f'{columns} x {rows} px'}
        if masks:
            self._masks = {name: find_file(pathlib.Path(masks, name), ('.png',)) for name in self._files}
            if missing := [name for name, file in self._masks.items() if file is None]:
                raise DataError(f'--masks={masks}: expected a mask for every true picture, found none for '
                                f'{len(missing)}, the first being {pathlib.Path(masks, missing[0])}.png.')
            self.facts['masks'] = f'files {sha256_of_files(pathlib.Path(masks), self._masks.values())[:12]}'
        self.identity = dict(self.facts)  # by their contents, so that changed pictures are scored anew
        self.pose_changes, self.before, self.labels = {}, {}, {}

    def batches(self, pairs, batch_size):
        """Yields batches as `augment.prepare` returns them, with only the true pictures and masks."""
        for start in range(0, len(pairs), batch_size):
            names = [name for name, _ in pairs[start:start + batch_size]]
            images = np.stack([self._checked(self._files[name], self._true_picture(self._files[name]))
                               for name in names])
            masks = np.zeros((*images.shape[:3], 1), np.float32)
            if self._masks:
                masks = np.stack([self._checked(file, read_image(file))[..., :1] >= 128
                                  for file in map(self._masks.get, names)])
            yield {'target_image': image_from_pixels(images), 'target_mask': tf.cast(masks, tf.float32),
                   'has_target_mask': tf.fill([len(names)], self._masks is not None),
                   'source_id': tf.constant(names), 'target_id': tf.constant(names)}

    def _true_picture(self, file):
        image = read_image(file)
        if not self._part:
            return image
        rows, columns, _ = image.shape
        narrow = columns_of('patn-8570', rows)
        picture = part_of(image, [rows, narrow.stop - narrow.start], self._part)
        if picture is None:
            raise DataError(f'{file}: expected {abs(self._part)} or more pictures side by side (--truth_part), each '
                            f'{rows} or {narrow.stop - narrow.start} x {rows} px, found {columns} x {rows} px.')
        return picture

    def _checked(self, file, image):
        if image.shape != self._shape:
            rows, columns, _ = self._shape
            raise DataError(f'{file}: expected {columns} x {rows} px like the first of --truth, '
                            f'found {image.shape[1]} x {image.shape[0]} px.')
        return image


def _relative_scale(source_frame, target_frame):
    """Returns the factor from the target's px to the source's scale; 1 where a scale is unknown."""
    factor = source_frame.pose.px_per_mm / target_frame.pose.px_per_mm
    return factor if np.isfinite(factor) and factor > 0 else 1.0
