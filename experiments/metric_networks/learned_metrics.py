"""The learned metrics that there are weights for, by name; what has no weights is not measured, never made up."""

from data_pipeline.errors import DataError
from experiments.metric_networks import weights as metric_weights
from repose_tf.metrics.inception import Inception
from repose_tf.metrics.lpips import Lpips
from repose_tf.metrics.vgg16_distance import Vgg16Distance
from repose_tf.vgg_weights import load_vgg_weights


def open_learned_metrics(lpips_files=(), use_vgg16_distance=False):
    """Loads metrics that compare pairs of images.

    Args:
      lpips_files: files of `experiments.convert_metric_weights`; each tells its net, one file for each at most.
      use_vgg16_distance: whether the substitute from the packaged VGG16 is wanted too.

    Returns:
      dict, 'lpips_alex', 'lpips_vgg' or 'vgg16_distance' -> function (generated, truth) of [B, H, W, 3] in [0, 1] that
      returns [B] float32, with its weights in a line as `.description`.

    Raises:
      DataError: a file is missing, holds something else, or two hold the same net.
      WeightsError: the packaged VGG16 is not installed.
    """
    metrics = {}
    for path in lpips_files:
        net, weights = metric_weights.read(path, ('lpips_alex', 'lpips_vgg'))
        if net in metrics:
            raise DataError(f'{path}: expected one file for each net, found a second of {net}.')
        metrics[net] = Lpips(weights)
    if use_vgg16_distance:
        metrics['vgg16_distance'] = Vgg16Distance(load_vgg_weights('hed'))
    return metrics


def open_inception(path):
    """Loads the network of the FID from a file of `experiments.convert_metric_weights`.

    Returns:
      `Inception`: function of images [B, H, W, 3] in [0, 1] that returns features [B, 2048], with a `.description`.

    Raises:
      DataError: the file is missing or holds something else.
    """
    return Inception(metric_weights.read(path, ('inception',))[1])
