"""Makes a weights file of a learned metric from the published PyTorch files, without PyTorch.

python -m experiments.convert_metric_weights --net=lpips_alex --backbone=alexnet-owt-7be5be79.pth --output=alex.npz
python -m experiments.convert_metric_weights --net=lpips_vgg --backbone=vgg16-397923af.pth --output=vgg.npz
python -m experiments.convert_metric_weights --net=inception --backbone=pt_inception-2015-12-05-6726825d.pth \
    --output=inception.npz

The backbones are torchvision's AlexNet and VGG16 and pytorch-fid's Inception; the linear weights of LPIPS come with the
package lpips (pip install --no-deps lpips==0.1.4; read, never imported) or from --linear. The files are read as numbers
and nothing else: a pickle that asks for more is refused. A file whose SHA-256 is not that of the published one is named
as such, here and beside every figure of the metric.
"""

from absl import flags as absl_flags

from data_pipeline import program
from experiments.configuration import flags

FLAGS = absl_flags.FLAGS


def define_flags():
    """Defines what is converted."""
    absl_flags.DEFINE_enum('net', None, ('lpips_alex', 'lpips_vgg', 'inception'), 'Of which metric.')
    absl_flags.DEFINE_string('backbone', '', 'PyTorch file (.pth) of the network.')
    absl_flags.DEFINE_string('linear', '', "PyTorch file of LPIPS' linear weights; '': of the installed package lpips.")
    absl_flags.DEFINE_string('output', '', 'File to write (.npz); an older one is replaced.')


def main():
    net, backbone, output = (flags.required(name) for name in ('net', 'backbone', 'output'))
    from experiments.metric_networks.published_weights import convert  # after the flags: it loads TensorFlow
    print(convert(net, backbone, FLAGS.linear, output))


if __name__ == '__main__':
    program.run(main, define_flags)
