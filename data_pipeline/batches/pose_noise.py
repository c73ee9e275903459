"""Errors of estimated poses: how large they are at each joint, and how they hang together along the body.

An estimator that leans a body too far back is wrong by nearly as much at the neck, the shoulders and the whole head: of
90 mm in depth, the joints of a head differ by 10 to 30. Noise that moves each joint for itself turns heads and
shoulders by angles that this estimator is not wrong by.
"""

import numpy as np

from data_pipeline.annotation.error_chains import BEFORE
from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS

# In the picture and in depth, which is told from the pelvis: how much of the error of the joint before is carried on,
# and the standard deviation of a joint's own, mm; see `error_chains.chains`. Those of MediaPipe on the people of
# data/people and data/valid, both sides alike (docs/training-for-photos.md).
_ERRORS = {
    'pelv': ((0.0, 16), (0.0, 0)), 'neck': ((0.2, 12), (0.0, 60)), 'nose': ((0.1, 11), (1.25, 46)),
    'eye': ((0.8, 6), (1.0, 12)), 'ear': ((0.05, 19), (0.8, 26)),
    'sho': ((0.0, 15), (0.9, 26)), 'elb': ((0.6, 18), (1.0, 62)), 'wri': ((0.4, 14), (1.4, 60)),
    'hip': ((1.0, 9), (0.0, 13)), 'kne': ((0.4, 15), (0.5, 46)), 'ank': ((0.3, 12), (1.2, 51))}
# Median length of a vector of independent normal numbers of variance 1, two of them and one.
_MEDIAN_OF_TWO, _MEDIAN_OF_ONE = 1.17741, 0.67449


def _mixture(axis):
    """Returns [19, 19]: of independent normal numbers of variance 1, it makes the errors of all joints on one axis."""
    rows = np.zeros([NUM_JOINTS, NUM_JOINTS])
    for joint in ('pelv', *BEFORE):
        carried, own = (_ERRORS[joint] if joint in _ERRORS else _ERRORS[joint[1:]])[axis]
        number = JOINT_INDEX[joint]
        rows[number] = carried * rows[JOINT_INDEX[BEFORE.get(joint, joint)]]
        rows[number, number] += own
        if axis == 1 and joint == 'rhip':
            rows[number] = -rows[JOINT_INDEX['lhip']]  # the pelvis lies between the two
    return rows


def _per_median(rows, median):
    """Scales a mixture so that of the joints that err at all the middle one errs by 1 in the median."""
    spreads = np.linalg.norm(rows, axis=1)
    return np.float32(rows / (median * np.median(spreads[spreads > 0])))


# [19, 19] float32 each, for errors of 1 of the middle joint, in the median.
IN_PLANE = _per_median(_mixture(0), _MEDIAN_OF_TWO)
IN_DEPTH = _per_median(_mixture(1), _MEDIAN_OF_ONE)
