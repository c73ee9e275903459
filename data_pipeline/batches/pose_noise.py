"""Errors of estimated poses: how large they are at each joint, and how they hang together along the body.

An estimator that leans a body too far back is wrong by nearly as much at the neck, the shoulders and the whole head: of 90
mm in depth, two joints of a head differ by 10 to 30. Noise that moves each joint for itself would turn heads and
shoulders by angles that no estimator is wrong by, and what is trained with it would not trust them.

The numbers are those of MediaPipe (model "full") on 220 rendered people of data/people and data/valid: each joint's error
less its median over all pictures, regressed on the error of the joint before it in the list. mm, where neck and
pelvis are 500 mm apart.
"""

import numpy as np

from repose_tf.skeleton import JOINT_INDEX, NUM_JOINTS

# Joint: in the picture (the joint that its error follows, by how much, its own standard deviation), and in depth,
# which is told from the pelvis.
_ERRORS = {
    'pelv': (('pelv', 0.0, 16), ('pelv', 0.0, 0)),
    'neck': (('pelv', 0.2, 12), ('pelv', 0.0, 60)),
    'nose': (('neck', 0.1, 11), ('neck', 1.25, 46)),
    'leye': (('nose', 0.8, 6), ('nose', 1.0, 12)),
    'reye': (('nose', 0.8, 6), ('nose', 1.0, 12)),
    'lear': (('nose', 0.05, 19), ('nose', 0.8, 26)),
    'rear': (('nose', 0.05, 19), ('nose', 0.8, 26)),
    'lsho': (('neck', 0.0, 15), ('neck', 0.9, 26)),
    'rsho': (('neck', 0.0, 15), ('neck', 0.9, 26)),
    'lelb': (('lsho', 0.6, 18), ('lsho', 1.0, 62)),
    'relb': (('rsho', 0.6, 18), ('rsho', 1.0, 62)),
    'lwri': (('lelb', 0.4, 14), ('lelb', 1.4, 60)),
    'rwri': (('relb', 0.4, 14), ('relb', 1.4, 60)),
    'lhip': (('pelv', 1.0, 9), ('pelv', 0.0, 13)),
    'rhip': (('pelv', 1.0, 9), ('lhip', -1.0, 0)),  # the pelvis lies between the two
    'lkne': (('lhip', 0.4, 15), ('lhip', 0.5, 46)),
    'rkne': (('rhip', 0.4, 15), ('rhip', 0.5, 46)),
    'lank': (('lkne', 0.3, 12), ('lkne', 1.2, 51)),
    'rank': (('rkne', 0.3, 12), ('rkne', 1.2, 51)),
}
# Median length of a vector of independent normal numbers of variance 1, two of them and one.
_MEDIAN_OF_TWO, _MEDIAN_OF_ONE = 1.17741, 0.67449


def _mixture(which):
    """Returns [19, 19]: of independent normal numbers of variance 1, it makes the errors of all joints on one axis."""
    rows = np.zeros([NUM_JOINTS, NUM_JOINTS])
    for joint, columns in _ERRORS.items():
        before, carried, own = columns[which]
        rows[JOINT_INDEX[joint]] = carried * rows[JOINT_INDEX[before]]
        rows[JOINT_INDEX[joint], JOINT_INDEX[joint]] += own
    return rows


def _per_median(rows, median):
    """Scales a mixture so that of the joints that err at all the middle one errs by 1 in the median."""
    spreads = np.linalg.norm(rows, axis=1)
    return np.float32(rows / (median * np.median(spreads[spreads > 0])))


# [19, 19] float32 each, for errors of 1 of the middle joint, in the median.
IN_PLANE = _per_median(_mixture(0), _MEDIAN_OF_TWO)
IN_DEPTH = _per_median(_mixture(1), _MEDIAN_OF_ONE)
