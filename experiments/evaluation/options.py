"""What the flags of experiments.evaluate ask for: pairs, systems and metrics, opened and checked against each other."""

import os

from absl import flags as absl_flags

from data_pipeline.batches.pairs import PROTOCOLS
from data_pipeline.errors import DataError, UsageError
from experiments.configuration import data as datasets
from experiments.configuration import flags
from experiments.evaluation import pair_scorer, pair_sources, systems
from experiments.evaluation.frechet_scores import FrechetScores
from experiments.evaluation.pair_poses import PairPoses
from experiments.evaluation.pose_scorer import open_pose_scorer
from experiments.evaluation.prediction_folder import PredictionFolder
from experiments.metric_networks.weights import open_inception, open_learned_metrics
from experiments.models import opening
from experiments.reporting import output as evaluation_output

FLAGS = absl_flags.FLAGS
_KINDS = ('model', 'predictions')


def define_systems():
    """Defines what is scored; --model is defined in flags.py."""
    text = absl_flags.DEFINE_string
    text('predictions', '', "Folder of any system's result pictures, named by pair: "
         'experiments/evaluation/prediction_folder.py.')
    text('predictions_list', '', 'CSV file, source,target,file, where the names of the pictures do not tell.')
    absl_flags.DEFINE_integer('predictions_part', 0, 'Where a picture is several side by side, which of them is the '
                              'result: 1 the first, -1 the last; 0: it is one.')
    absl_flags.DEFINE_bool('allow_incomplete', False, 'Score what there is where pictures are missing or of no pair, '
                           'and say so wherever a number stands, instead of refusing.')
    absl_flags.DEFINE_multi_string('against', [], 'Another system for the table: run folder, SavedModel, packed model '
                                   'or folder of pictures; may be given several times.')


def define_pairs():
    """Defines what it is scored on."""
    absl_flags.DEFINE_enum('protocol', '', ('', *PROTOCOLS),
                           "Which pairs, see data_pipeline/batches/pairs.py; '': people for --dataset=people, "
                           'else reference.')
    absl_flags.DEFINE_enum('split', 'test', ('validation', 'test'), 'Pairs of which split.')
    absl_flags.DEFINE_integer('num_pairs', 0, 'A sample of so many of the pairs; 0: all.', lower_bound=0)
    absl_flags.DEFINE_string('truth', '', 'Folder of the true pictures, of the same names as --predictions: scored '
                             'without a data set.')
    absl_flags.DEFINE_string('masks', '', 'Folder of PNG masks of the persons, named as the pictures of --truth.')


def define_metrics():
    """Defines what is measured besides SSIM, PSNR and L1."""
    absl_flags.DEFINE_multi_string('lpips', [], 'Weights of LPIPS, a file of experiments.convert_metric_weights; one '
                                   'for each net.')
    absl_flags.DEFINE_bool('vgg16_distance', False, 'A perceptual distance by the VGG16 of a package; no LPIPS.')
    absl_flags.DEFINE_string('inception', '', 'Weights of FID, a file of experiments.convert_metric_weights.')
    absl_flags.DEFINE_enum('pose_estimator', '', ('', 'mediapipe', 'metrabs', 'regressor'),
                           'Estimator of the pose AUC.')
    absl_flags.DEFINE_string('pose_model', '', 'Its files: a folder, or what experiments.train_joint_regressor wrote.')


def given_kind():
    """Returns which of the flags names the system; UsageError where not one of them does."""
    kinds = [kind for kind in _KINDS if FLAGS[kind].value]
    if len(kinds) != 1:
        raise UsageError(f'{", ".join(f"--{kind}" for kind in _KINDS)}: expected one of them, '
                         f'found {" and ".join(f"--{kind}" for kind in kinds) or "none"}.')
    for name, needed in (('truth', 'predictions'), ('predictions_list', 'predictions'), ('masks', 'truth')):
        if FLAGS[name].value and not FLAGS[needed].value:
            raise UsageError(f'--{name}: expected --{needed} beside it, found none.')
    return kinds[0]


def open_all():
    """Opens what the flags name.

    Returns:
      the pair source, and a list of systems: the one to score, others, baselines.

    Raises:
      UsageError, DataError: something is missing or does not go together.
    """
    source, opened = _open_files() if FLAGS.truth else _open_data(given_kind())
    for system in opened:
        if system.image_size not in (None, source.image_size):
            raise UsageError(f'{system.name}: expected pictures of {source.image_size} px like the others and the '
                             f'truth, found {system.image_size} px.')
    return source, _named_apart(opened)


def _open_files():
    source = pair_sources.FilePairs(FLAGS.truth, FLAGS.masks)
    options = {'part': FLAGS.predictions_part, 'scored_columns': lambda size: source.scored_columns, 'by_path': True}
    opened = [PredictionFolder(FLAGS.predictions, source.pairs, FLAGS.predictions_list, **options)]
    return source, opened + [PredictionFolder(path, source.pairs, **options) for path in FLAGS.against]


def _open_data(kind):
    first, run = None, None
    if kind == 'model':
        first, run = systems.ModelSystem(FLAGS.model, FLAGS.weights), opening.run_of(FLAGS.model)
    settings = flags.data_settings(run and run.settings().data)
    data = datasets.Data(settings, FLAGS.protocol)
    pairs = data.pairs(FLAGS.split, FLAGS.num_pairs)
    options = {'part': FLAGS.predictions_part, 'others': data.pairs(FLAGS.split),
               'scored_columns': lambda size: pair_sources.columns_of(data.protocol, size)}
    if first is None:
        first = PredictionFolder(FLAGS.predictions, pairs, FLAGS.predictions_list, **options)
    source = pair_sources.DataPairs(data, FLAGS.split, FLAGS.num_pairs, first.image_size)
    others = [systems.ModelSystem(path) if systems.is_model(path) else PredictionFolder(path, pairs, **options)
              for path in FLAGS.against]
    return source, [first, *others, systems.CopyOfSource(), systems.MeanOfOthers(source.means_of_others)]


def check_complete(opened, output):
    """Refuses result pictures that are missing or too many, unless that is allowed; lists them in the output folder."""
    for system in opened:
        complaint = getattr(system, 'complaint', str)()
        if not complaint:
            continue
        path = os.path.join(output, f'{system.name}-incomplete.txt')
        evaluation_output.write_text(path, system.listing())
        if not FLAGS.allow_incomplete:
            raise DataError(f'{system.name}: expected a picture for every pair and no others, found {complaint}; all '
                            f'are listed in {path}. --allow_incomplete scores what there is and says so.')


def open_scorer(source):
    """Opens the `PairScorer` that the flags ask for."""
    poses = None
    if FLAGS.pose_estimator:
        estimator = open_pose_scorer(FLAGS.pose_estimator, FLAGS.pose_model)
        poses = PairPoses(estimator, getattr(source, 'true_mm', None))
    learned = open_learned_metrics(FLAGS.lpips, FLAGS.vgg16_distance)
    return pair_scorer.PairScorer(source.scored_columns, learned, poses)


def open_frechet(source):
    """Opens the `FrechetScores` that the flags ask for, or None; UsageError where there are no training pictures."""
    if not FLAGS.inception:
        return None
    if FLAGS.truth:
        raise UsageError('--inception: expected a data set, against whose training pictures FID is measured, found '
                         '--truth.')
    return FrechetScores(open_inception(FLAGS.inception), source.scored_columns)


def output_folder(source):
    """Returns where the results go: --output, or a folder of the run's for this protocol."""
    if FLAGS.output:
        return FLAGS.output
    run = opening.run_of(FLAGS.model) if FLAGS.model else None
    if run is None:
        raise UsageError('--output=... must be given, as --model names no run folder.')
    sample = f'-{FLAGS.num_pairs}' if FLAGS.num_pairs else ''
    return os.path.join(run.path, f'evaluation-{source.name}{sample}')


def _named_apart(opened):
    """Numbers systems of one name."""
    for index, system in enumerate(opened):
        taken = [other.name for other in opened[:index]]
        if system.name in taken:
            system.name = f'{system.name} ({index + 1})'
    return opened
