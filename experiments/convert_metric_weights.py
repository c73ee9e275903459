"""Makes a weights file of a learned metric out of the published PyTorch files, without PyTorch.

python -m experiments.convert_metric_weights --net=lpips_alex --backbone=alexnet-owt-7be5be79.pth --output=alex.npz
python -m experiments.convert_metric_weights --net=lpips_vgg --backbone=vgg16-397923af.pth --output=vgg.npz
python -m experiments.convert_metric_weights --net=inception --backbone=pt_inception-2015-12-05-6726825d.pth \
    --output=inception.npz

The backbones are torchvision's AlexNet and VGG16 and pytorch-fid's Inception; the linear weights of LPIPS come with the
package lpips (pip install --no-deps lpips==0.1.4; read, never imported) or from --linear. The files are read as numbers
and nothing else: a pickle that asks for more is refused. What is not the published file, by its SHA-256, is said to be
so, here and wherever the metric's figures tell their weights.
"""

from absl import flags as absl_flags

from data_pipeline import program
from data_pipeline.errors import UsageError
from experiments.configuration import flags
from experiments.metric_networks import published_weights
from experiments.metric_networks import weights as metric_weights

FLAGS = absl_flags.FLAGS


def define_flags():
    """Defines what is converted."""
    absl_flags.DEFINE_enum('net', None, metric_weights.NETS, 'Of which metric.')
    absl_flags.DEFINE_string('backbone', '', 'PyTorch file (.pth) of the network.')
    absl_flags.DEFINE_string('linear', '', "PyTorch file of LPIPS' linear weights; '': of the installed package lpips.")
    absl_flags.DEFINE_string('output', '', 'File to write (.npz); what is there is replaced.')


def main():
    net, backbone, output = (flags.required(name) for name in ('net', 'backbone', 'output'))
    if net == 'inception' and FLAGS.linear:
        raise UsageError('--linear: expected none for --net=inception.')
    if not output.endswith('.npz'):
        raise UsageError(f'--output={output}: expected a name that ends in .npz.')
    convert(net, backbone, FLAGS.linear, output)


def convert(net, backbone, linear, output):
    """Converts and says what it made of what; see the flags.

    Raises:
      DataError: a file cannot be read or holds something else.
      UsageError: the output cannot be written.
    """
    weights, origin = [], []
    if net != 'inception':  # first, as it may be missing and takes no time
        weights, *origin = published_weights.linear(net, linear or None)
    layers, backbone_origin = published_weights.backbone(net, backbone)
    origins = [backbone_origin, *origin]
    digest = metric_weights.write(output, net, origins, layers, weights)
    print(f'Converted: {output} (sha256 {digest[:12]}), {net} of {", ".join(origins)}')


if __name__ == '__main__':
    program.run(main, define_flags)
