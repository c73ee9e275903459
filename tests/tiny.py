"""The smallest model with every part, and a run folder that holds one; what it computes is noise."""

from experiments import checkpoints, run_folder
from repose_tf.architecture import Architecture
from repose_tf.building import build
from repose_tf.generator import Generator

TINY = Architecture(
    image_size=32, volume_size=17, depth_size=9, volume_channels=4, pose_channels=4, stem_channels=4,
    encoder_blocks=((1, 8, 1), (1, 8, 2)), volume_units=1, pose_units=1, projection_units=1,
    decoder_blocks=((8, False), (8, True)), inpainter_layers=((4, 3), (4, 3)),
    discriminator_blocks=((1, 8), (1, 8)), num_groups=2)


def tiny_generator(architecture=TINY):
    """Returns a built generator with random weights."""
    return build(Generator(architecture))


def tiny_run(runs_dir, generator=None):
    """Makes a run folder with one checkpoint of a tiny generator; returns the RunFolder."""
    generator = generator or tiny_generator()
    folder = run_folder.create(str(runs_dir), 'tiny', generator.architecture, '--preset=small\n')
    checkpoints.Checkpoints(folder.checkpoints_dir, generator=generator).save(1)
    return folder
