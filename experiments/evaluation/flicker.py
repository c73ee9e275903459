"""Flicker of a film of results: how much more neighbouring results differ than the true frames do.

The flicker of a pair is the mean absolute difference between its result and that of the frame before, less that of the
true frames, of pictures in [0, 1] on the scored columns. It is 0 where results change as much as the truth, above where
they flicker, and below where they move too little, as a copy of the source does.
"""

import numpy as np

from experiments.evaluation.pair_sources import pairs_of
from repose_tf.picture_codec import pixels_from_image


class Flicker:
    """The flicker of the results of one system, which come in the order of the frames."""

    def __init__(self, system, pair_source):
        """Takes a system, see `systems`, and a pair source, whose `before` tells the pair of the frame before."""
        self._system, self._source = system, pair_source
        self._kept = {}  # pair -> its result and the truth, of the pair before the next batch

    def __call__(self, pixels, batch):
        """Returns the flicker of the pairs of a batch, [B] float64; NaN where there is no frame or result before.

        Args:
          pixels: their results, [B, S, S, 3] uint8, or with the scored columns only.
          batch: their prepared batch.
        """
        pairs, here = pairs_of(batch), self._pictures(pixels, batch)
        known = {**self._kept, **here}
        self._kept = {pairs[-1]: here[pairs[-1]]}
        return np.array([self._flicker(pair, known) for pair in pairs])

    def _flicker(self, pair, known):
        before = self._source.before.get(pair)
        if before is None or before in getattr(self._system, 'missing', ()):
            return np.nan
        if before not in known:  # the pairs are a sample, or an evaluation goes on
            batch = next(iter(self._source.batches([before], 1)))
            known.update(self._pictures(self._system(batch), batch))
        result, truth = (np.abs(now - then).mean() for now, then in zip(known[pair], known[before], strict=True))
        return result - truth

    def _pictures(self, pixels, batch):
        """Returns dict, pair -> its result and the true picture, [S, columns, 3] float32 in [0, 1]."""
        columns = self._source.scored_columns
        pixels, truth = np.asarray(pixels), pixels_from_image(batch['target_image']).numpy()[:, :, columns]
        cut = pixels[:, :, columns] if pixels.shape[2] > truth.shape[2] else pixels
        return dict(zip(pairs_of(batch), zip(np.float32(cut) / 255, np.float32(truth) / 255, strict=True), strict=True))
