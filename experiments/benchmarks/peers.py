"""One picture by this project's generators and by another generator of the field, each in a process of its own.

PATN (Zhu et al. 2019, "Progressive Pose Attention Transfer for Person Image Generation"), restated from its paper at
its published size: it takes a picture of 256 x 256 px and the heatmaps of 18 joints of both poses. The weights are
random, which changes no time. PyTorch is not among the requirements: pip install torch.
"""

import importlib.util
import json
import subprocess
import sys
import time

import numpy as np

from experiments.benchmarks import tools
from experiments.benchmarks.generator import peak_of_this_process

_TITLES = {'small': 'this, preset small, 64 px', 'people': 'this, preset people, 256 px',
           'reference': "this, preset reference (the paper's), 256 px", 'patn': 'PATN in PyTorch, 256 px'}
_PATN_WIDTH, _PATN_BLOCKS, _PATN_POSE_CHANNELS = 64, 9, 2 * 18
_TURNS = 2  # of the processes, so that what slows the machine down for a while slows them all down


def run(rounds, max_gigabytes, plot_dir):
    """Measures all of them in turn; returns Markdown."""
    del plot_dir, max_gigabytes
    names = [name for name in _TITLES if name != 'patn' or importlib.util.find_spec('torch')]
    found = {}
    for _ in range(_TURNS):
        for name in names:
            figures = measure(rounds, name)
            if name not in found or figures['seconds'] < found[name]['seconds']:
                found[name] = figures
    text = tools.table([{
        'generator': _TITLES[name], 'M weights': f'{figures["weights"] / 1e6:.1f}',
        'ms a picture': f'{1e3 * figures["seconds"]:.0f}',
        'of a sequence': f'{1e3 * figures["of_sequence"]:.0f}' if figures['of_sequence'] else '',
        'most memory of the process, MB': f'{1e3 * figures["peak"]:.0f}',
        'before the first picture, MB': f'{1e3 * figures["before"]:.0f}'} for name, figures in found.items()])
    return text if 'patn' in names else f'{text}\n\nPATN was not measured: there is no PyTorch (pip install torch).'


def measure(rounds, name):
    """Returns what `measured_here` does, from a process that does nothing else."""
    process = subprocess.run([sys.executable, '-m', __name__, str(rounds), name], stdout=subprocess.PIPE, text=True,
                             check=True)
    return json.loads(process.stdout.splitlines()[-1])


def measured_here(rounds, name):
    """Returns what is known of a generator.

    Returns:
      dict of `seconds` a picture and `of_sequence`, a picture of a person who was encoded before (medians; None for
      PATN), `weights`, and memory in GB: `before` the first picture, `peak`.
    """
    make_picture, make_next, weights = _patn() if name == 'patn' else _own(name)
    before = peak_of_this_process()
    seconds, of_sequence = (_median_seconds(function, rounds) for function in (make_picture, make_next))
    return {'seconds': seconds, 'of_sequence': of_sequence, 'weights': weights, 'before': before,
            'peak': peak_of_this_process()}


def _median_seconds(function, rounds):
    if function is None:
        return None
    times = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times[2:]))


def _own(preset):
    import tensorflow as tf

    from repose_tf.architecture import PRESETS
    from repose_tf.generator import Generator
    from tests.support import cases
    generator = Generator(PRESETS[preset])
    size = generator.architecture.image_size
    rng = np.random.default_rng(0)
    image = tf.constant(rng.uniform(-1, 1, (1, size, size, 3)), tf.float32)
    poses = [tf.constant(cases.person_poses(rng, 1, size)) for _ in range(2)]
    call, encode = (tf.function(function, autograph=False) for function in (
        lambda *inputs: generator(*inputs)['image'], generator.encode))
    decode = tf.function(lambda encoded, target: generator.decode(encoded, target)['image'], autograph=False)
    encoded = encode(image, poses[0])
    return (lambda: call(image, *poses).numpy(), lambda: decode(encoded, poses[1]).numpy(),
            sum(int(np.prod(weight.shape)) for weight in generator.weights))


def _patn():
    import torch
    torch.manual_seed(0)
    image, heatmaps = torch.randn(1, 3, 256, 256), torch.rand(1, _PATN_POSE_CHANNELS, 256, 256)
    model = _patn_layers(torch.nn)

    def make_picture():
        """Section 3.1: the pose code says where the picture code changes, and then follows it."""
        with torch.inference_mode():
            picture, pose = model['picture_encoder'](image), model['pose_encoder'](heatmaps)
            for block in model['blocks']:
                attention = block['pose'](pose)
                picture = picture + block['picture'](picture) * attention.sigmoid()
                pose = torch.cat([attention, picture], 1)
            return model['decoder'](picture).numpy()

    return make_picture, None, sum(weight.numel() for weight in model.parameters())


def _patn_layers(nn):
    """Returns the layers as a ModuleDict; `nn` is torch.nn."""
    width, code = _PATN_WIDTH, 4 * _PATN_WIDTH

    def normed(layer, channels, last=nn.ReLU):
        return [layer, nn.InstanceNorm2d(channels), last()]

    def convolved(inputs, outputs, size=3, stride=1, last=nn.ReLU):
        return normed(nn.Conv2d(inputs, outputs, size, stride, size // 2), outputs, last)

    def encoder(channels):
        return nn.Sequential(*convolved(channels, width, 7), *convolved(width, 2 * width, stride=2),
                             *convolved(2 * width, code, stride=2))

    def twice(inputs):
        return nn.Sequential(*convolved(inputs, inputs), *convolved(inputs, code, last=nn.Identity))

    def doubled(inputs):
        return normed(nn.ConvTranspose2d(inputs, inputs // 2, 3, 2, 1, 1), inputs // 2)

    blocks = [nn.ModuleDict({'picture': twice(code), 'pose': twice(code if index == 0 else 2 * code)})
              for index in range(_PATN_BLOCKS)]
    return nn.ModuleDict({
        'picture_encoder': encoder(3), 'pose_encoder': encoder(_PATN_POSE_CHANNELS), 'blocks': nn.ModuleList(blocks),
        'decoder': nn.Sequential(*doubled(code), *doubled(2 * width), nn.Conv2d(width, 3, 7, 1, 3), nn.Tanh())}).eval()


if __name__ == '__main__':
    print(json.dumps(measured_here(int(sys.argv[1]), sys.argv[2])))
