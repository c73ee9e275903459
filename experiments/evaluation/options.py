"""Options of an evaluation, and the pairs, systems and metrics that they name.

Fields are named as the flags of experiments.evaluate, which tell more of them.
"""

import dataclasses
import os

from data_pipeline.batches import film_pairs
from data_pipeline.errors import DataError, UsageError
from data_pipeline.files import write_text
from experiments.configuration.data import Data
from experiments.configuration.settings import DataSettings
from experiments.evaluation.frechet_scores import FrechetScores
from experiments.evaluation.pair_scorer import PairPoses, PairScorer
from experiments.evaluation.pair_sources import DataPairs, FilePairs, columns_of
from experiments.evaluation.person_square import SquareMetrics
from experiments.evaluation.pose_scorer import open_pose_scorer
from experiments.evaluation.prediction_folder import PredictionFolder
from experiments.evaluation.systems import Carried, CopyOfSource, MeanOfOthers, ModelSystem, WithTruth, is_model
from experiments.metric_networks.weights import open_inception, open_learned_metrics
from experiments.models.opening import run_of


@dataclasses.dataclass(frozen=True)
class MetricOptions:
    """The metrics besides SSIM, PSNR and L1."""

    lpips: list = dataclasses.field(default_factory=list)
    st_lpips: bool = False
    vgg16_distance: bool = False
    inception: str = ''
    pose_estimator: str = ''
    pose_model: str = ''


@dataclasses.dataclass(frozen=True)
class EvaluationOptions:
    """The systems, the pairs and the metrics of an evaluation.

    Attributes:
      data: `DataSettings`; not used with `truth`.
      metrics: `MetricOptions`.
      others: as the flags.
    """

    data: DataSettings
    metrics: MetricOptions
    model: str = ''
    weights: str = 'average'
    size: int | None = None
    predictions: str = ''
    predictions_list: str = ''
    predictions_part: int = 0
    allow_incomplete: bool = False
    against: list = dataclasses.field(default_factory=list)
    protocol: str = ''
    split: str = 'test'
    num_pairs: int = 0
    video_source: list = dataclasses.field(default_factory=list)
    video_every: int = 1
    truth: str = ''
    truth_part: int = 0
    masks: str = ''
    labels: str = ''
    source_photos: int = 1
    true_parts: bool = False
    output: str = ''

    def __post_init__(self):
        """Raises UsageError where options are missing or contradict each other."""
        if bool(self.model) == bool(self.predictions):
            found = '--model and --predictions' if self.model else 'none'
            raise UsageError(f'--model, --predictions: expected one of them, found {found}.')
        for name, needed in (('truth', 'predictions'), ('predictions_list', 'predictions'), ('masks', 'truth'),
                             ('truth_part', 'truth')):
            if getattr(self, name) and not getattr(self, needed):
                raise UsageError(f'--{name}: expected --{needed} beside it, found none.')
        if (self.video_source or self.video_every > 1) and self.protocol not in film_pairs.PROTOCOLS:
            raise UsageError(f'--video_source, --video_every: expected --protocol={" or ".join(film_pairs.PROTOCOLS)} '
                             f'beside them, found {self.protocol or "none"}.')
        if self.source_photos > 1 and not self.model:
            raise UsageError(f'--source_photos={self.source_photos}: expected --model beside it, found --predictions.')
        if self.size and not self.model:
            raise UsageError(f'--size={self.size}: expected --model beside it, found --predictions, whose size is as '
                             'it is.')
        if self.true_parts and self.truth:
            raise UsageError('--true_parts: expected a data set, whose persons are known, found --truth.')
        if self.labels and self.truth:
            raise UsageError('--labels: expected a data set, whose persons are labelled, found --truth.')
        if self.metrics.inception and self.truth:
            raise UsageError('--inception: expected a data set, against whose training pictures FID is measured, found '
                             '--truth.')

    def run(self):
        """Returns the `RunFolder` of the model, or None if there is none."""
        return run_of(self.model) if self.model else None


def open_pairs_and_systems(options):
    """Opens what `EvaluationOptions` name.

    Returns:
      the pair source, and a list of systems: the one to score, others, baselines.

    Raises:
      UsageError, DataError: something is missing or does not go together.
    """
    pair_source, systems = (_open_files if options.truth else _open_data)(options)
    for index, system in enumerate(systems):
        if system.image_size not in (None, pair_source.image_size):
            raise UsageError(f'{system.name}: expected pictures of {pair_source.image_size} px like the others and the '
                             f'truth, found {system.image_size} px.')
        if system.name in {other.name for other in systems[:index]}:
            system.name = f'{system.name} ({index + 1})'
    return pair_source, systems


def _open_files(options):
    pair_source = FilePairs(options.truth, options.masks, options.truth_part)
    common = {'part': options.predictions_part, 'scored_columns': lambda size: pair_source.scored_columns,
              'by_path': True}
    first = PredictionFolder(options.predictions, pair_source.pairs, options.predictions_list, **common)
    return pair_source, [first, *(PredictionFolder(path, pair_source.pairs, **common) for path in options.against)]


def _open_data(options):
    first = ModelSystem(options.model, options.weights, options.size) if options.model else None
    films = film_pairs.FilmChoice(tuple(options.video_source), options.video_every)
    data = Data(options.data, options.protocol, films)
    pairs = data.pairs(options.split, options.num_pairs)
    known = [*data.pairs(options.split), *data.unscorable_pairs(options.split)]
    common = {'part': options.predictions_part, 'others': known,
              'scored_columns': lambda size: columns_of(data.protocol, size)}
    if first is None:
        first = PredictionFolder(options.predictions, pairs, options.predictions_list, **common)
    pair_source = DataPairs(data, options.split, options.num_pairs, first.image_size, options.source_photos)
    several = [first.given(options.source_photos)] if options.source_photos > 1 else []
    others = [ModelSystem(path, size=options.size) if is_model(path) else PredictionFolder(path, pairs, **common)
              for path in options.against]
    baselines = CopyOfSource(), Carried(first.image_size), MeanOfOthers(pair_source.means_of_others)
    parts = [WithTruth(first, is_person) for is_person in (False, True)] if options.true_parts else []
    return pair_source, [*several, first, *parts, *others, *baselines]


def check_complete(systems, output, is_incomplete_allowed):
    """Lists missing and extra pictures in the output folder; raises DataError for them unless they are allowed."""
    for system in systems:
        complaint = getattr(system, 'complaint', str)()
        if not complaint:
            continue
        path = os.path.join(output, f'{system.name}-incomplete.txt')
        write_text(path, system.listing())
        if not is_incomplete_allowed:
            raise DataError(f'{system.name}: expected a picture for every pair and no others, found {complaint}; all '
                            f'are listed in {path}. --allow_incomplete scores what there is and says so.')


def open_scorer(metrics, pair_source):
    """Returns the `PairScorer` of `MetricOptions`."""
    poses = None
    if metrics.pose_estimator:
        estimator = open_pose_scorer(metrics.pose_estimator, metrics.pose_model)
        poses = PairPoses(estimator, getattr(pair_source, 'true_mm', None))
    learned = open_learned_metrics(metrics.lpips, metrics.vgg16_distance, metrics.st_lpips)
    squares = SquareMetrics(learned['lpips_alex']) if 'lpips_alex' in learned else None
    return PairScorer(pair_source.scored_columns, learned, poses, squares)


def open_frechet(metrics, pair_source):
    """Returns the `FrechetScores` of `MetricOptions`, or None without --inception."""
    if not metrics.inception:
        return None
    return FrechetScores(open_inception(metrics.inception), pair_source.scored_columns)


def output_folder(options, pair_source):
    """Returns the folder of the results: --output, or a folder for these pairs in that of the run."""
    if options.output:
        return options.output
    run = options.run()
    if run is None:
        raise UsageError('--output=... must be given, as --model names no run folder.')
    sample = f'-{options.num_pairs}' if options.num_pairs else ''
    return os.path.join(run.path, f'evaluation-{pair_source.name}{sample}')
