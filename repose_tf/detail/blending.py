"""The picture, made of the candidates of every pixel and of what the detail decoder says to them.

What is copied comes from the candidates, at whatever size the picture has; what the decoder says may be of a smaller
picture, and enlarged.
"""

import tensorflow as tf

from repose_tf.detail import candidates, flow
from repose_tf.detail.surface_warp import NUM_SAMPLES
from repose_tf.skeleton import PART_NAMES

# A part's own sample of the nearest layer, where it is visible, begins with most of the weight.
_WORTH = (1.0, 0.1, 0.05, 0.02)  # of the candidates: both samples of the nearest layer, and of the next one
_SPARE = 0.02  # the worth of a mirrored sample where the part's own is seen: blended, two faces are none
_UNSEEN = 0.05  # the worth of what the source hides there: a guess
_UNSEEN_HEAD = 0.001  # the back of a head does not look like its face
_BESIDE = 0.01  # the worth of what is carried from beside the person
_PAINTED = 0.01
_LEAST = 1e-4
_MAX_FLOW_PX = 4.0  # of the picture that the decoder sees
_INITIAL_ALPHA_LOGIT = 3.0
_HEAD = PART_NAMES.index('head')
NUM_CORRECTIONS = candidates.NUM_CANDIDATES + 1 + 3 + 1 + 2 + 3


def blended(corrections, carried, maps, background, known, coarse, stride=1):
    """Blends candidates and paint, and tells the person from the background.

    Args:
      corrections: [B, S, S, NUM_CORRECTIONS] float32 of the decoder: logits of the shares of all candidates and of the
        paint, paint, logit of alpha, flow, colours to add to the background's filling.
      carried, maps: as `candidates.carried` returns them.
      background: [B, S, S, 3] float32 in [-1, 1], its holes filled.
      known: [B, S, S, 1] float32, 1 where the background was seen.
      coarse: [B, S, S, 3] float32 in [-1, 1], the trunk's picture of the person.
      stride: pixels of the picture that are one of the decoder's, in rows and columns.

    Returns:
      foreground, alpha, background: [B, S, S, 3], [B, S, S, 1] and [B, S, S, 3] float32, colours in [-1, 1].
    """
    shares, painted, alpha, flow_px, filling = tf.split(corrections, [-1, 3, 1, 2, 3], axis=-1)
    each = tf.split(flat(carried), candidates.NUM_CANDIDATES, axis=-1)
    own = each[::NUM_SAMPLES]
    worth = tf.concat([_worth(each, own, maps['part']), tf.fill(tf.shape(alpha), _PAINTED)], axis=-1)
    shares = tf.nn.softmax(shares + tf.math.log(worth + _LEAST), axis=-1)
    *shares, painted_share = tf.split(shares, candidates.NUM_CANDIDATES + 1, axis=-1)
    copied_share = tf.add_n(shares)  # 1 less the other one, but precise where it is small
    copied = tf.add_n([share * one[..., :3] for share, one in zip(shares, each, strict=True)]) / (copied_share + 1e-6)
    copied = flow.resampled(copied, stride * _MAX_FLOW_PX * tf.tanh(flow_px))
    painted = tf.clip_by_value(coarse + 2.0 * tf.tanh(painted), -1.0, 1.0)
    foreground = copied_share * copied + painted_share * painted
    seen = tf.maximum(*(one[..., 3:4] for one in own))
    alpha = tf.sigmoid(alpha + _INITIAL_ALPHA_LOGIT * (2.0 * seen - 1.0))
    background = tf.clip_by_value(background + (1.0 - known) * tf.tanh(filling), -1.0, 1.0)
    return foreground, alpha, background


def flat(carried):
    """Returns candidates one after the other, first by layer and then by sample, [B, S, S, channels]."""
    return tf.reshape(carried, [-1, *carried.shape[1:3], candidates.NUM_CANDIDATES * candidates.CHANNELS])


def _worth(each, own, part):
    """Returns what the candidates are worth before any training, [B, S, S, NUM_CANDIDATES].

    Args:
      each: list of the candidates, [B, S, S, CHANNELS] each.
      own: those of them that are a layer's own samples, not mirrored ones.
      part: [B, S, S, L] int32, see `surfaces.SurfacePoints.maps`.
    """
    part = tf.repeat(part, NUM_SAMPLES, axis=-1)
    unseen = tf.split(tf.where(part == _HEAD, _UNSEEN_HEAD, _UNSEEN), len(each), axis=-1)
    # Parts are rounder than people: where the photo shows nobody on the nearest one, the next one is seen.
    nobody = 1.0 - own[0][..., 3:4]
    bare = [tf.zeros_like(nobody)] * NUM_SAMPLES + [nobody] * NUM_SAMPLES
    needed = [need for one in own for need in _needed(one)]
    worth = [(worth + nobody) * need * _trust(one, guess)
             for worth, nobody, need, one, guess in zip(_WORTH, bare, needed, each, unseen, strict=True)]
    return tf.cast(part >= 0, tf.float32) * tf.concat(worth, axis=-1)


def _needed(own):
    """Returns how far a layer's samples are needed, its own candidate [B, S, S, CHANNELS] and the mirrored one."""
    _, person, visible, _ = tf.split(own, [3, 1, 1, 1], axis=-1)
    return 1.0, 1.0 - (1.0 - _SPARE) * person * visible


def _trust(candidate, unseen):
    """Returns how far a candidate [B, S, S, CHANNELS] can be trusted before any training, [B, S, S, 1].

    `unseen` [B, S, S, 1] is what it is worth where its source hides it.
    """
    _, person, visible, facing = tf.split(candidate, [3, 1, 1, 1], axis=-1)
    return _BESIDE + person * (unseen + visible * (0.3 + 0.7 * facing))
