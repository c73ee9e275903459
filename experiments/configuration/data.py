"""The data set that the flags name, with its records made."""

import functools

from tqdm import tqdm

from data_pipeline.batches import film_pairs, input_pipeline, pairs
from data_pipeline.batches.frames import FrameStore
from data_pipeline.data_sets import USUAL_PROTOCOLS, open_data_set
from data_pipeline.errors import DataError


class Data:
    """A data set ready to be read.

    Attributes:
      name: of the data, with the digest of what lies in it.
      protocol: of its pairs, see `pairs`.
      films: its `FilmChoice`, or None where the protocol is not one of films.
    """

    def __init__(self, settings, protocol='', films=film_pairs.ANY):
        """Opens the data set of `DataSettings`; makes its records if they are not there yet.

        Args:
          settings: `DataSettings`.
          protocol: of the pairs; '' for the data set's usual one.
          films: `FilmChoice` of a protocol of films.
        """
        self._builder = open_data_set(settings.dataset, settings.source_dir, settings.data_dir,
                                      settings.allow_missing_poses)
        self.name = self._builder.folder.name
        self._stores = {}
        self.protocol = protocol or USUAL_PROTOCOLS[settings.dataset]
        self.films = films if self.protocol in film_pairs.PROTOCOLS else None

    def check_splits(self, train_splits, num_validation_pairs):
        """Raises DataError where there is nothing to train on, or to validate on though it is asked for."""
        for split in train_splits.split('+'):
            self._builder.folder.frame_ids(split)
        if num_validation_pairs:
            try:
                self.pairs('validation', num_validation_pairs)
            except DataError as error:
                raise DataError(f'{error} --num_validation_pairs=0 does without.') from error

    def train_batches(self, image_size, batch_size, seed, first_step=0, shard=(0, 1), train_splits='train', cache_mb=0,
                      jpeg_share=0.0):
        """Returns endless batches of random pairs, see `input_pipeline.train_batches` and the flags."""
        return input_pipeline.train_batches(
            self._builder, image_size, batch_size, seed, first_step=first_step, shard=shard,
            splits=train_splits.split('+'), cache_bytes=cache_mb * 10 ** 6, jpeg_share=jpeg_share,
            announce=tqdm.write)  # a progress bar may be there already

    def pairs(self, split, num_pairs=0):
        """Returns the protocol's pairs of a split, all or `num_pairs` spread over them."""
        return pairs.load_pairs(self._builder.folder, split, num_pairs, protocol=self.protocol, films=self.films)

    def listed_pairs(self, split, path):
        """Returns the pairs of a split that a file lists, in the form of pairs.json."""
        return pairs.read_pairs(path, self._builder.folder, split)

    def unscorable_pairs(self, split):
        """Returns dict, pair of the protocol that the data cannot give -> why, see `pairs.unscorable_pairs`."""
        return pairs.unscorable_pairs(self._builder.folder, split, self.protocol, self.films)

    def pairs_before(self, split):
        """Returns dict, pair of a protocol of films -> the pair of the frame before, see `film_pairs`; else empty."""
        if self.films is None:
            return {}
        return film_pairs.pairs_before(self._builder.folder, split, self.pairs(split), self.films)

    def pair_batches(self, split, image_size, batch_size, num_pairs=0):
        """Returns batches of `pairs(split, num_pairs)`, see `input_pipeline.pair_batches`."""
        return self.batches_of(split, self.pairs(split, num_pairs), image_size, batch_size)

    def batches_of(self, split, pairs, image_size, batch_size):
        """Returns batches of a list of (source id, target id), see `input_pipeline.pair_batches`."""
        if split not in self._stores:
            self._stores[split] = FrameStore(self._builder, [split])
        return input_pipeline.pair_batches(self._builder, split, pairs, image_size, batch_size, self._stores[split])

    def images(self, split, frame_ids, image_size):
        """Returns pictures by id, [N, S, S, 3] uint8."""
        batches = self.batches_of(split, [(frame_id, frame_id) for frame_id in frame_ids], image_size, len(frame_ids))
        return next(iter(batches))['target_image'].numpy()

    def frame_ids(self, split):
        """Returns dict, person -> list of `person/frame`, of a split."""
        return self._builder.folder.frame_ids(split)

    def frame(self, frame_id):
        """Returns the `folder.Frame` of an id."""
        return self._frames[frame_id]

    @functools.cached_property
    def _frames(self):
        return {frame.id: frame for frames in self._builder.folder.persons.values() for frame in frames}
