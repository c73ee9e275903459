"""The sizes and switches that decide which variables a model has and what it computes."""

import dataclasses
import json

from repose_tf.coordinates import REGISTRATIONS, VolumeGrid


@dataclasses.dataclass(frozen=True)
class Architecture:
    """The sizes of generator and discriminator; the defaults are the reference's.

    Attributes:
      image_size: rows and columns of the images, px.
      volume_size: rows and columns of the feature volume, 2^n + 1; the stride between image and volume is 2 or 4.
      depth_size: depth cells of the feature volume, 2^n + 1.
      volume_channels: features per voxel.
      pose_channels: features per voxel that the pose encoder adds.
      stem_channels: channels of the first convolution of encoder and discriminator.
      encoder_blocks: (units, channels, dilation) per block of the lifting encoder.
      volume_units, pose_units, projection_units: 3D residual units in E_3D, the pose encoder and D_3D.
      decoder_blocks: (channels, upsampled) per bottleneck of the 2D projection decoder.
      inpainter_layers: (channels, kernel size) per layer of the background inpainter's encoder.
      discriminator_blocks: (units, channels) per block; the last unit of each has stride 2.
      num_groups: groups of every group norm.
      warp: '3d', or '2d' for the ablation that warps in the image plane.
      pose: '3d', or '2d' for the ablation whose heatmaps have no depth.
      volume_norm: 'volume': group norm of volumes takes its statistics over rows, columns and depth;
        'row': over columns and depth, each image row for itself, as the reference's weights need it.
      crop: 'end': the padded last row and column of the result are dropped; 'start': the first ones, as the
        reference's weights have learned it.
      registration: 'standard': cells, pixels and joints mean the same places; 'reference': half a pixel and more apart,
        as the reference's weights and older ones have learned it, see `VolumeGrid`.
      inpainter: 'standard': the background inpainter keeps what is seen; in the holes it adds to a smooth filling from
        their surroundings (group norms lose absolute colours). 'reference': what the reference's weights need: a fourth
        image channel (random noise there, its mean here), partial convolutions that also divide by the number of input
        channels, a leaky ReLU before the last tanh, and seen pixels that go through the network like all others.
      detail: 'none': the paper's network, the trunk, makes the picture. 'surface': the detail stream
        (repose_tf/detail/) makes it, of pixels carried from the source and of what the trunk says. 'surface_alone', for
        the ablation: the trunk says nothing of the person.
      trunk_stride: pixels of the picture, in rows and columns, that are one pixel of what the trunk sees: once or twice
        `detail_stride`; its picture is enlarged.
      detail_stride: pixels of the picture that are one pixel of what the detail decoder sees, 1, 2 or 4. What is
        carried has the picture's own size, and what the decoder says to it is enlarged: see `at_size`.
      detail_channels: of the four levels of the detail decoder, from full resolution on, each half the size.
      num_sources: how many photos of a person are taken at once at most.
    """

    image_size: int = 256
    volume_size: int = 65
    depth_size: int = 33
    volume_channels: int = 64
    pose_channels: int = 32
    stem_channels: int = 64
    encoder_blocks: tuple = ((3, 256, 1), (4, 512, 2))
    volume_units: int = 3
    pose_units: int = 3
    projection_units: int = 3
    decoder_blocks: tuple = ((1024, False), (1024, False), (512, True), (512, False), (512, False), (256, True))
    inpainter_layers: tuple = ((64, 7), (128, 5), (256, 5), (512, 3), (512, 3), (512, 3), (512, 3))
    discriminator_blocks: tuple = ((3, 256), (4, 512), (6, 1024))
    num_groups: int = 32
    warp: str = '3d'
    pose: str = '3d'
    volume_norm: str = 'volume'
    crop: str = 'end'
    inpainter: str = 'standard'
    registration: str = 'standard'
    detail: str = 'none'
    trunk_stride: int = 1
    detail_stride: int = 1
    detail_channels: tuple = (24, 40, 96, 192)
    num_sources: int = 4

    def __post_init__(self):
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f'{name}: expected one of {allowed}, found {getattr(self, name)!r}.')
        strides = _strides(self.detail)
        if self.detail_stride not in strides:
            raise ValueError(f'detail_stride: expected one of {strides}, found {self.detail_stride!r}.')
        strides = (self.detail_stride, 2 * self.detail_stride)
        if self.trunk_stride not in strides:
            raise ValueError(f'trunk_stride: expected {strides[0]} or {strides[1]}, found {self.trunk_stride!r}.')
        if len(self.detail_channels) != 4:
            raise ValueError(f'detail_channels: expected those of four levels, found {self.detail_channels}.')
        if self.num_sources < 1:
            raise ValueError(f'num_sources: expected 1 or more, found {self.num_sources}.')
        if self.grid.stride not in (2, 4):
            raise ValueError(f'image_size {self.trunk_size} and volume_size {self.volume_size} give a stride of '
                             f'{self.grid.stride}; expected 2 or 4.')
        upsampled = sum(bool(block[1]) for block in self.decoder_blocks)
        if 2 ** upsampled != self.grid.stride:
            raise ValueError(f'decoder_blocks: expected stride {self.grid.stride} to be undone by '
                             f'upsampling blocks, found {upsampled} of them.')

    @property
    def image_sizes(self):
        """Sizes of pictures, px, that the same variables can make, see `at_size`; ascending."""
        return tuple(stride * self.image_size // self.detail_stride for stride in _strides(self.detail))

    def at_size(self, image_size):
        """Returns the architecture of the same variables whose pictures have another size.

        The networks see what they were trained to see. The photo's pixels are carried at the larger size.

        Args:
          image_size: px, one of `image_sizes`.

        Raises:
          ValueError: there is no such size.
        """
        if image_size not in self.image_sizes:
            sizes = ' or '.join(map(str, self.image_sizes))
            raise ValueError(f'image_size: expected {sizes} px, found {image_size}.')
        stride = image_size // self.image_sizes[0]
        return dataclasses.replace(self, image_size=image_size, detail_stride=stride,
                                   trunk_stride=self.trunk_stride // self.detail_stride * stride)

    @property
    def trunk_size(self):
        """Rows and columns of the pictures that the trunk sees, px."""
        return self.image_size // self.trunk_stride

    @property
    def grid(self):
        """The voxel grid over the picture that the trunk sees."""
        return VolumeGrid(self.trunk_size, self.volume_size, self.depth_size, self.registration)

    def get_config(self):
        """Returns the architecture as a dictionary that JSON can hold."""
        return json.loads(self.to_json())

    @classmethod
    def from_config(cls, config):
        """Makes the architecture of what `get_config` returned.

        Raises:
          ValueError: on unknown or missing keys and bad values.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if isinstance(config, dict):  # models from before there was a choice have learned the reference's
            config = {'registration': 'reference', **_BEFORE_DETAIL, **config}
        if not isinstance(config, dict) or set(config) != names:
            found = sorted(config) if isinstance(config, dict) else type(config).__name__
            raise ValueError(f'Architecture: expected the keys {sorted(names)}, found {found}.')
        return cls(**{name: _as_tuples(value) for name, value in config.items()})

    @classmethod
    def of(cls, architecture):
        """Returns the architecture; a configuration is read, and None stands for the reference's sizes."""
        if architecture is None:
            return cls()
        return architecture if isinstance(architecture, cls) else cls.from_config(architecture)

    def to_json(self):
        """Returns the architecture as a JSON text."""
        return json.dumps(dataclasses.asdict(self), indent=2) + '\n'

    @classmethod
    def from_json(cls, text):
        """Reads what `to_json` wrote; raises as `from_config`."""
        return cls.from_config(json.loads(text))


_CHOICES = {'warp': ('2d', '3d'), 'pose': ('2d', '3d'), 'volume_norm': ('volume', 'row'),
            'crop': ('end', 'start'), 'inpainter': ('standard', 'reference'), 'registration': REGISTRATIONS,
            'detail': ('none', 'surface', 'surface_alone')}
_BEFORE_DETAIL = {'detail': 'none', 'trunk_stride': 1, 'detail_stride': 1,
                  'detail_channels': (24, 40, 96, 192), 'num_sources': 4}


def _strides(detail):
    """Returns the values that `detail_stride` may have."""
    return (1,) if detail == 'none' else (1, 2, 4)


def _as_tuples(value):
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list) else value


# The released weights of the reference were trained with these; new training does better without them.
REFERENCE_CONVENTIONS = {'volume_norm': 'row', 'crop': 'start', 'inpainter': 'reference', 'registration': 'reference'}

PRESETS = {
    'reference': Architecture(),
    # For CPUs: trains in minutes at 64 px.
    'small': Architecture(
        image_size=64, volume_size=33, depth_size=17, volume_channels=16, pose_channels=8, stem_channels=32,
        encoder_blocks=((2, 64, 1), (2, 128, 2)), volume_units=1, pose_units=1, projection_units=1,
        decoder_blocks=((128, False), (64, True)),
        inpainter_layers=((32, 5), (64, 3), (64, 3), (64, 3)),
        discriminator_blocks=((1, 64), (1, 128), (1, 256)), num_groups=8),
    # For CPUs, with the detail stream: sharp pictures of 256 px.
    'people': Architecture(
        image_size=256, volume_size=33, depth_size=17, volume_channels=16, pose_channels=8,
        stem_channels=32, encoder_blocks=((2, 64, 1), (2, 128, 2)), volume_units=1, pose_units=1, projection_units=1,
        decoder_blocks=((128, False), (64, True), (32, True)),
        inpainter_layers=((32, 5), (64, 3), (64, 3), (64, 3), (64, 3)),
        discriminator_blocks=((1, 64), (1, 128), (1, 256)), num_groups=8, detail='surface', trunk_stride=2),
}
