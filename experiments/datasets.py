"""The data set that the flags name, with its records made."""

from data_pipeline import input_pipeline, pairs
from data_pipeline.people import open_people
from experiments.program import UsageError


class Data:
    """A data set ready to be read.

    Attributes:
      name: of the data, with the digest of what lies in it.
    """

    def __init__(self, settings):
        """Opens the data set of `DataSettings`; makes its records if they are not there yet."""
        if settings.dataset != 'people':
            raise UsageError(
                f'--dataset={settings.dataset}: its data must be prepared first, and this version cannot read them as '
                f'they come. Bring them into the layout of data/people/README.md (images, poses.json) and pass '
                f'--dataset=people --source_dir=FOLDER.')
        self._builder = open_people(settings.source_dir, settings.data_dir)
        self.name = self._builder.folder.name

    def train_batches(self, image_size, batch_size, seed):
        """Returns endless batches of random pairs, see `input_pipeline.train_batches`."""
        return input_pipeline.train_batches(self._builder, image_size, batch_size, seed)

    def pairs(self, split, num_pairs=0):
        """Returns the fixed pairs of a split, all or `num_pairs` spread over them."""
        return pairs.load_pairs(self._builder.folder, split, num_pairs)

    def pair_batches(self, split, image_size, batch_size, num_pairs=0):
        """Returns batches of `pairs(split, num_pairs)`, see `input_pipeline.pair_batches`."""
        return input_pipeline.pair_batches(
            self._builder, split, self.pairs(split, num_pairs), image_size, batch_size)
