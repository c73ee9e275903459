"""Scoring systems on the pairs of a source, each pair once, whatever ends the process in between."""

import numpy as np
from tqdm import tqdm

from experiments.evaluation.pair_sources import pairs_of
from experiments.evaluation.score_file import ScoreFile
from experiments.pictures import drawing
from repose_tf.picture_codec import pixels_from_image


def score_systems(systems, source, scorer, folder, batch_size, frechet=None):
    """Scores systems; what a folder of scores has of them already is taken from there.

    Args:
      systems: list, see `systems`; one with `missing` pairs is scored on the others.
      source: a pair source, see `pair_sources`.
      scorer: a `scoring.PairScorer`.
      folder: of the score files.
      batch_size: pairs at once.
      frechet: a `FrechetScores`, or None.

    Returns:
      dict, name of the system -> `ScoreFile` that holds the scores of all its pairs.
    """
    return {system.name: _score(system, source, scorer, folder, batch_size, frechet) for system in systems}


def _score(system, source, scorer, folder, batch_size, frechet):
    identity = {**source.identity, **scorer.identity, **(frechet.identity if frechet else {}), 'system': system.digest}
    file = ScoreFile(folder, system.name, identity)
    lacking = set(getattr(system, 'missing', ()))
    wanted = [pair for pair in source.pairs if pair not in lacking]
    left = file.missing(wanted)
    if left and len(left) < len(wanted):
        print(f'{system.name}: {len(wanted) - len(left)} of {len(wanted)} pairs were scored before ({file.path})')
    with tqdm(total=len(wanted), initial=len(wanted) - len(left), desc=system.name, unit='pair') as bar:
        for batch in source.batches(left, batch_size) if left else ():
            pairs, pixels = pairs_of(batch), system(batch)
            scores = scorer(pixels, batch)
            if frechet:
                frechet.append(file.path, len(file.scores), np.asarray(pixels))
            file.append(pairs, scores)
            bar.update(len(pairs))
    return file


def shown_pictures(systems, source, index):
    """Returns [(caption, uint8 [H, W, 3])] of a pair: what there is of source, target pose, results, truth.

    Small ones are enlarged; what shows more columns than are scored is cut.

    Args:
      systems: list, as scored.
      source: their pair source.
      index: of the pair.
    """
    batch = next(iter(source.batches([source.pairs[index]], 1)))
    pair, shown = pairs_of(batch)[0], []
    if 'source_image' in batch:
        image = pixels_from_image(batch['source_image']).numpy()[0]
        pose = drawing.pose_picture(image.shape[0], batch['target_pose'].numpy()[0])
        shown = [('source', image), ('target pose', pose)]
    shown += [(system.name, np.asarray(system(batch))[0]) for system in systems
              if pair not in getattr(system, 'missing', ())]
    shown.append(('truth', pixels_from_image(batch['target_image']).numpy()[0]))
    return [(caption, _scored_part(drawing.enlarge(image), source)) for caption, image in shown]


def _scored_part(image, source):
    """Cuts a picture to the columns that are scored, unless it has these alone."""
    columns = source.scored_columns
    if image.shape[1] != image.shape[0]:
        return image
    factor = image.shape[0] / source.image_size
    return image[:, round(columns.start * factor):round(columns.stop * factor)]
