"""The names that the authors' TensorFlow 1 checkpoints give our variables, by rule.

The reference names its layers by kind, numbered in the order in which its graph was built: pose encoder, background
inpainter, lifting encoder, projection decoder. Only its ResNets and bottlenecks use nested names.
"""

import collections
import itertools

GENERATOR_SCOPE = 'GAN/Generator'
DISCRIMINATOR_SCOPE = 'GAN/Discriminator'


class _Numbered:
    """Names of layers by kind, as TensorFlow 1 numbers them: conv3d, conv3d_1, conv3d_2, ..."""

    def __init__(self, scope):
        self.scope = scope
        self.counts = collections.Counter()

    def __call__(self, kind):
        number = self.counts[kind]
        self.counts[kind] += 1
        return f'{self.scope}/{kind}' + (f'_{number}' if number else '')

    def norm(self, layer):
        return _norm_names(self('GroupNorm'), layer)

    def conv(self, kind, layer):
        return _pairs(self(kind), layer, kernel='kernel', bias='bias')


def _pairs(prefix, layer, **names):
    return [(f'{prefix}/{name}', getattr(layer, ours)) for ours, name in names.items()]


def _norm_names(prefix, layer):
    return _pairs(prefix, layer, gamma='gamma', beta='beta')


def _slim_conv(prefix, layer):
    bias = {'bias': 'biases'} if layer.use_bias else {}
    return _pairs(prefix, layer, kernel='weights', **bias)


def _resnet(scope, network, blocks):
    """Names of the stem and the bottleneck units of an encoder or discriminator, with its blocks (units, ...)."""
    scope += '/resnet_v2_50'
    yield from _slim_conv(f'{scope}/conv1', network.stem.conv1)
    bottlenecks = iter(network.bottlenecks)
    for number, (units, *_) in enumerate(blocks, start=1):
        for index, unit in enumerate(itertools.islice(bottlenecks, units), start=1):
            prefix = f'{scope}/block{number}/unit_{index}/bottleneck_v2'
            yield from _norm_names(f'{prefix}/preact', unit.preact)
            if unit.shortcut is not None:
                yield from _slim_conv(f'{prefix}/shortcut', unit.shortcut)
            for conv, norm in (('conv1', unit.norm1), ('conv2', unit.norm2), ('conv3', None)):
                yield from _slim_conv(f'{prefix}/{conv}', getattr(unit, conv))
                if norm is not None:
                    yield from _norm_names(f'{prefix}/{conv}/GroupNorm', norm)


def _up_bottleneck(prefix, block):
    yield from _norm_names(f'{prefix}/preact', block.preact)
    for name in ('shortcut', 'conv1', 'conv2', 'conv3'):
        if getattr(block, name) is not None:
            yield from _slim_conv(f'{prefix}/{name}', getattr(block, name))


def _units(numbered, units):
    for unit in units:
        for norm, conv in zip(unit.norms, unit.convs, strict=True):
            yield from numbered.norm(norm)
            yield from numbered.conv('conv3d', conv)


def generator_names(generator):
    """Returns a dictionary from the reference's variable names to the variables of a `Generator`."""
    numbered = _Numbered(GENERATOR_SCOPE)
    encoder, poses = generator.lifting_encoder, generator.pose_encoder
    decoder, inpainter = generator.projection_decoder, generator.background_inpainter
    pairs = list(_resnet(numbered.scope, encoder, generator.architecture.encoder_blocks))
    pairs += numbered.conv('conv3d', poses.conv)
    pairs += _units(numbered, poses.units)
    for layer in (*inpainter.encoder, *inpainter.decoder, inpainter.output_conv):
        pairs += numbered.conv('pconv', layer)
    for norm in (*inpainter.encoder_norms, *inpainter.decoder_norms, encoder.norm):
        pairs += numbered.norm(norm)
    pairs += numbered.conv('conv2d', encoder.lift)
    pairs += _units(numbered, encoder.units)
    pairs += _units(numbered, decoder.units)
    for block in decoder.blocks:
        pairs += _up_bottleneck(numbered('bottleneck_v2_transposed'), block)
    pairs += numbered.norm(decoder.norm)
    pairs += numbered.conv('conv2d', decoder.output_conv)
    return dict(pairs)


def discriminator_names(discriminator):
    """Returns a dictionary from the reference's variable names to the variables of a `Discriminator`."""
    numbered = _Numbered(DISCRIMINATOR_SCOPE)
    pairs = list(_resnet(numbered.scope, discriminator, discriminator.architecture.discriminator_blocks))
    pairs += numbered.norm(discriminator.norm)
    pairs += numbered.conv('conv2d', discriminator.output_conv)
    return dict(pairs)
