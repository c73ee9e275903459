"""Scores on disk, a line a pair, so that a long evaluation that was ended goes on where it was."""

import json
import os

import numpy as np

from data_pipeline.errors import UsageError
from experiments.evaluation.systems import digest_of


class ScoreFile:
    """The scores of one system on pairs, in a file whose name follows from all that decides them.

    Attributes:
      path: of the file.
      scores: dict, (source id, target id) -> dict, metric -> float.
    """

    def __init__(self, folder, name, identity):
        """Opens the file and reads what is in it.

        Args:
          folder: where score files lie; made when missing.
          name: of the system.
          identity: dict of texts and numbers: everything but the pairs that decides the scores.
        """
        text = json.dumps(identity, sort_keys=True)
        slug = ''.join(letter if letter.isalnum() else '_' for letter in name)
        self.path = os.path.join(folder, f'{slug}-{digest_of([text.encode()])}.jsonl')
        self.scores = {}
        try:
            os.makedirs(folder, exist_ok=True)
            if os.path.exists(self.path):
                self._read()
            else:
                with open(self.path, 'x') as file:
                    file.write(text + '\n')
        except OSError as error:
            raise UsageError(f'{folder}: expected a folder that can be written to, found: {error.strerror}.') from None

    def _read(self):
        """Takes whole lines; what a killed process wrote of the last one is cut off."""
        with open(self.path, 'rb+') as file:
            data = file.read()
            whole = data.rfind(b'\n') + 1
            file.truncate(whole)
        for line in data[:whole].splitlines()[1:]:
            row = json.loads(line)
            self.scores[row.pop('source'), row.pop('target')] = row

    def append(self, pairs, scores):
        """Adds scores: `pairs` a list of (source id, target id), `scores` dict, metric -> [N]."""
        with open(self.path, 'a') as file:
            for row, pair in enumerate(pairs):
                values = {metric: float(column[row]) for metric, column in scores.items()}
                self.scores[pair] = values
                file.write(json.dumps({'source': pair[0], 'target': pair[1], **values}) + '\n')

    def missing(self, pairs):
        """Returns the pairs of a list that have no scores yet."""
        return [pair for pair in pairs if pair not in self.scores]

    def table(self, pairs):
        """Returns dict, metric -> [N] float64 over pairs; NaN where a pair has no scores or a metric is undefined."""
        metrics = {metric: None for values in self.scores.values() for metric in values}
        return {metric: np.array([self.scores.get(pair, {}).get(metric, np.nan) for pair in pairs])
                for metric in metrics}
