"""The settings of the noise that training may add: how far an estimator and a camera are from the truth.

All are 0 by default, as in the paper. Pixels are those of a picture of 256 px; smaller ones have as much less.
"""

import dataclasses

from data_pipeline.settings import Group, setting


@dataclasses.dataclass(frozen=True)
class NoiseSettings(Group):
    """What is disturbed in training, so that what is learned holds for photos with estimated poses and masks."""

    joint_noise_px: float = setting(
        0.0, 'Median distance by which joints are moved in the picture plane, of the middle one of all joints; '
        'together, as an estimator errs.', unit='px at 256 px', at_least=0)
    joint_depth_noise_mm: float = setting(
        0.0, 'Median distance by which joints but the pelvis are moved in depth, likewise: most at the wrists, the '
        'head as a whole. With 500 mm from neck to pelvis.', unit='mm', at_least=0)
    pose_scale_noise: float = setting(
        0.0, 'Depths of each pose are multiplied by 1 +- up to this.', at_least=0, below=1)
    mask_noise_px: float = setting(
        0.0, "The edge of the source's mask is moved out or in by up to this.", unit='px at 256 px', at_least=0)
    hidden_masks: float = setting(
        0.0, 'Share of the pairs whose source mask the network is not given, so that it must find the person itself.',
        at_least=0, at_most=1)
    random_background: float = setting(
        0.0, 'Share of the pairs whose background behind the person is replaced, by the same in source and target, '
        'where both have a mask.', at_least=0, at_most=1)
    photo_noise: float = setting(
        0.0, "Strength of blur and of a sensor's noise, alike in source and target.", at_least=0, at_most=1)

    jpeg_noise: float = setting(
        0.0, 'Share of the pairs whose pictures, source and target alike, lose what JPEG files of quality 30 to 95 '
        'lose.', at_least=0, at_most=1)

    @property
    def moves_joints(self):
        return bool(self.joint_noise_px or self.joint_depth_noise_mm or self.pose_scale_noise)
