"""The 19 joints, their mirror images, the bones and the ten body parts, as plain data.

No TensorFlow here: programs that only read pose files import this module quickly. Left and right are the person's own.
"""

JOINT_NAMES = (
    'neck', 'nose',
    'lsho', 'lelb', 'lwri', 'lhip', 'lkne', 'lank',
    'rsho', 'relb', 'rwri', 'rhip', 'rkne', 'rank',
    'leye', 'lear', 'reye', 'rear',
    'pelv',
)
NUM_JOINTS = len(JOINT_NAMES)
JOINT_INDEX = {name: index for index, name in enumerate(JOINT_NAMES)}


def joint_indices(*names):
    """Returns the positions of the named joints in a pose, as a list of ints."""
    return [JOINT_INDEX[name] for name in names]


def _mirror_name(name):
    mirrored = {'l': 'r', 'r': 'l'}.get(name[0], '') + name[1:]
    return mirrored if mirrored in JOINT_INDEX else name


# mirrored_pose = pose[MIRROR_JOINTS] with x mapped to image_size - x.
MIRROR_JOINTS = tuple(JOINT_INDEX[_mirror_name(name)] for name in JOINT_NAMES)

# Pairs of joints that are drawn as a line.
BONES = (
    ('neck', 'nose'), ('nose', 'leye'), ('leye', 'lear'), ('nose', 'reye'), ('reye', 'rear'),
    ('neck', 'lsho'), ('lsho', 'lelb'), ('lelb', 'lwri'),
    ('neck', 'rsho'), ('rsho', 'relb'), ('relb', 'rwri'),
    ('neck', 'pelv'), ('pelv', 'lhip'), ('lhip', 'lkne'), ('lkne', 'lank'),
    ('pelv', 'rhip'), ('rhip', 'rkne'), ('rkne', 'rank'),
)

# Order of the mask channels and of the fitted transforms everywhere.
PART_NAMES = (
    'torso', 'head',
    'left_upper_arm', 'left_lower_arm', 'right_upper_arm', 'right_lower_arm',
    'left_upper_leg', 'left_lower_leg', 'right_upper_leg', 'right_lower_leg',
)
NUM_PARTS = len(PART_NAMES)
_OTHER_SIDES = {'left': 'right', 'right': 'left'}
# The part that takes each part's place when left and right are exchanged.
MIRROR_PARTS = tuple(PART_NAMES.index('_'.join(_OTHER_SIDES.get(word, word) for word in name.split('_')))
                     for name in PART_NAMES)

TORSO_JOINTS = ('rhip', 'lhip', 'lsho', 'rsho')
HEAD_JOINTS = ('neck', 'leye', 'reye', 'nose', 'lear', 'rear', 'lsho', 'rsho')

# Per limb, in the order of PART_NAMES[2:]: the bone a -> b, and the joint c that gives the rotation about the bone.
LIMB_FIT_JOINTS = (
    ('lsho', 'lelb', 'lwri'), ('lwri', 'lelb', 'lsho'),
    ('rsho', 'relb', 'rwri'), ('rwri', 'relb', 'rsho'),
    ('lhip', 'lkne', 'lank'), ('lank', 'lkne', 'lhip'),
    ('rhip', 'rkne', 'rank'), ('rank', 'rkne', 'rhip'),
)
# Per limb, in the same order: the joints between which it is drawn, body side first.
LIMB_BONES = (
    ('lsho', 'lelb'), ('lelb', 'lwri'), ('rsho', 'relb'), ('relb', 'rwri'),
    ('lhip', 'lkne'), ('lkne', 'lank'), ('rhip', 'rkne'), ('rkne', 'rank'),
)
