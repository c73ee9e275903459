"""Scoring of systems on the pairs of a source; what is scored already is not scored again."""

import dataclasses
import json
import os

import numpy as np
from tqdm import tqdm

from data_pipeline.files import sha256, writing
from experiments.evaluation.flicker import Flicker
from experiments.evaluation.labels import read_labels
from experiments.evaluation.options import (
    check_complete,
    open_frechet,
    open_pairs_and_systems,
    open_scorer,
    output_folder,
)
from experiments.evaluation.pair_sources import pairs_of
from experiments.pictures import drawing
from repose_tf.picture_codec import pixels_from_image

_BATCH_SIZE = 8


class ScoreFile:
    """The scores of one system in a file, a line for each pair, so that an evaluation can go on where it ended.

    The name of the file follows from everything that decides the scores.

    Attributes:
      path: of the file.
      scores: dict, (source id, target id) -> dict, metric -> float.
    """

    def __init__(self, folder, name, identity):
        """Opens the file and reads its scores.

        Args:
          folder: of the score files; made when missing.
          name: of the system.
          identity: dict of texts and numbers: everything but the pairs that decides the scores.

        Raises:
          WriteError: the folder cannot be written.
        """
        text = json.dumps(identity, sort_keys=True)
        slug = ''.join(letter if letter.isalnum() else '_' for letter in name)
        self.path = os.path.join(folder, f'{slug}-{sha256([text.encode()])[:12]}.jsonl')
        self.scores = {}
        with writing(folder):
            os.makedirs(folder, exist_ok=True)
            if os.path.exists(self.path):
                self._read()
            else:
                with open(self.path, 'x') as file:
                    file.write(text + '\n')

    def _read(self):
        """Reads the whole lines; cuts off a last one that a killed process left unfinished."""
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


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The scores of an evaluation and what was scored.

    Attributes:
      folder: of the results.
      pair_source: see `pair_sources`.
      systems: list, see `systems`; the one under test first.
      metrics: dict of texts, the `identity` of the `PairScorer`.
      scores: dict, name of a system -> dict, metric -> [N] float64, NaN where a pair has no score.
      fids: dict, name of a system -> (FID, number of results); empty if it was not measured.
      labels: dict, such as 'sex' -> [N] texts, what is said of the pairs or of their persons; may be empty.
    """

    folder: str
    pair_source: object
    systems: list
    metrics: dict
    scores: dict
    fids: dict
    labels: dict = dataclasses.field(default_factory=dict)


def evaluate(options):
    """Scores what `EvaluationOptions` name, but for what the folder of the results holds already; returns an `Outcome`.

    Raises:
      UsageError, DataError: something is missing or does not go together.
    """
    pair_source, systems = open_pairs_and_systems(options)
    folder = output_folder(options, pair_source)
    check_complete(systems, folder, options.allow_incomplete)
    labels = pair_source.labels | (read_labels(options.labels, pair_source.groups) if options.labels else {})
    scorer, frechet = open_scorer(options.metrics, pair_source), open_frechet(options.metrics, pair_source)
    scores_folder = os.path.join(folder, 'scores')
    # Before the work, as the training pictures may be missing.
    truth = frechet and frechet.truth(pair_source.data, pair_source.image_size, scores_folder)
    files = {system.name: _score(system, pair_source, scorer, scores_folder, frechet) for system in systems}
    fids = {name: frechet.of(file.path, truth) for name, file in files.items()} if frechet else {}
    return Outcome(folder, pair_source, systems, scorer.identity,
                   {name: file.table(pair_source.pairs) for name, file in files.items()}, fids, labels)


def _score(system, pair_source, scorer, folder, frechet):
    """Returns the `ScoreFile` of a system with the scores of all pairs, but for those that it lacks."""
    file = ScoreFile(folder, system.name, {**pair_source.identity, **scorer.identity,
                                           **(frechet.identity if frechet else {}), 'system': system.digest})
    lacking = set(getattr(system, 'missing', ()))
    wanted = [pair for pair in pair_source.pairs if pair not in lacking]
    left, flicker = file.missing(wanted), Flicker(system, pair_source) if pair_source.before else None
    if left and len(left) < len(wanted):
        print(f'{system.name}: {len(wanted) - len(left)} of {len(wanted)} pairs were scored before ({file.path})')
    with tqdm(total=len(wanted), initial=len(wanted) - len(left), desc=system.name, unit='pair') as bar:
        for batch in pair_source.batches(left, _BATCH_SIZE) if left else ():
            pairs, pixels = pairs_of(batch), system(batch)
            scores = scorer(pixels, batch)
            if flicker:
                scores['flicker'] = flicker(pixels, batch)
            if frechet:
                frechet.append(file.path, len(file.scores), np.asarray(pixels))
            file.append(pairs, scores)
            bar.update(len(pairs))
    return file


def shown_pictures(systems, pair_source, indices):
    """Yields [(caption, uint8 [H, W, 3])] of pairs: source and target pose where they are known, results, truth.

    Small pictures are enlarged, and all are cut to the columns that are scored. `indices` are those of the pairs in the
    source.
    """
    pairs = [pair_source.pairs[index] for index in indices]
    for pair, batch in zip(pairs, pair_source.batches(pairs, 1) if pairs else (), strict=True):
        yield _shown(systems, pair_source, pair, batch)


def _shown(systems, pair_source, pair, batch):
    """Returns the captions and pictures of a pair, which is alone in its batch."""
    shown = []
    if 'source_image' in batch:
        image = pixels_from_image(batch['source_image']).numpy()[0]
        pose = drawing.pose_picture(image.shape[0], batch['target_pose'].numpy()[0])
        shown = [('source', image), ('target pose', pose)]
    shown += [(system.name, np.asarray(system(batch))[0]) for system in systems
              if pair not in getattr(system, 'missing', ())]
    shown.append(('truth', pixels_from_image(batch['target_image']).numpy()[0]))
    return [(caption, _scored_part(drawing.enlarge(image), pair_source)) for caption, image in shown]


def _scored_part(image, pair_source):
    """Cuts a picture to the columns that are scored, unless it has only these."""
    columns = pair_source.scored_columns
    if image.shape[1] != image.shape[0]:
        return image
    factor = image.shape[0] / pair_source.image_size
    return image[:, round(columns.start * factor):round(columns.stop * factor)]
