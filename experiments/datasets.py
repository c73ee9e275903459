"""The data set that the flags name, with its records made."""

from data_pipeline import input_pipeline, pairs
from data_pipeline.fashion import open_fashion
from data_pipeline.iper import open_iper
from data_pipeline.people import open_people

# Name of the data set: how it is opened, and the protocol of its pairs.
_DATASETS = {
    'people': (open_people, 'people'),
    'fashion': (open_fashion, 'reference'),
    'iper': (open_iper, 'reference'),
}


class Data:
    """A data set ready to be read.

    Attributes:
      name: of the data, with the digest of what lies in it.
      protocol: of its pairs, see `pairs`.
    """

    def __init__(self, settings, protocol=''):
        """Opens the data set of `DataSettings`; makes its records if they are not there yet.

        Args:
          settings: `DataSettings`.
          protocol: of the pairs; '' for the data set's usual one.
        """
        opened, usual_protocol = _DATASETS[settings.dataset]
        self._builder = opened(settings.source_dir, settings.data_dir, settings.allow_missing_poses)
        self.name = self._builder.folder.name
        self.protocol = protocol or usual_protocol

    def train_batches(self, image_size, batch_size, seed, first_step=0, shard=(0, 1)):
        """Returns endless batches of random pairs, see `input_pipeline.train_batches`."""
        return input_pipeline.train_batches(self._builder, image_size, batch_size // shard[1], seed + first_step + 1000 * shard[0])  # TODO

    def pairs(self, split, num_pairs=0):
        """Returns the protocol's pairs of a split, all or `num_pairs` spread over them."""
        return pairs.load_pairs(self._builder.folder, split, num_pairs, protocol=self.protocol)

    def pair_batches(self, split, image_size, batch_size, num_pairs=0):
        """Returns batches of `pairs(split, num_pairs)`, see `input_pipeline.pair_batches`."""
        return input_pipeline.pair_batches(
            self._builder, split, self.pairs(split, num_pairs), image_size, batch_size)
