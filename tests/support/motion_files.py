"""BVH files of one body in any naming, up axis, rest pose, facing and order of angles, and where its joints must be.

`body` follows the body itself, which knows no file; `text_of` makes angles of it by SciPy's rotations. So what is read
of the text can be compared with what the body does.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from repose_tf.skeleton import JOINT_INDEX

# Parent, place in T-pose: x to the person's left, y up, z forwards; cm.
_HALF = {'collar': ('chest', (5, 146, 0)), 'sho': ('collar', (18, 147, -2)), 'elb': ('sho', (46, 146, -3)),
         'wri': ('elb', (71, 146, -1)), 'hip': ('pelvis', (9, 91, 1)), 'kne': ('hip', (10, 50, 2)),
         'ank': ('kne', (11, 8, -2)), 'toe': ('ank', (12, 2, 14))}
T_POSE = {'pelvis': (None, (0, 95, 0)), 'spine': ('pelvis', (0, 105, -1)), 'chest': ('spine', (0, 128, -2)),
          'neck': ('chest', (0, 151, -2)), 'head': ('neck', (0, 163, 1)),
          **{side + name: (parent if parent in ('chest', 'pelvis') else side + parent, (sign * x, y, z))
             for side, sign in (('l', 1), ('r', -1)) for name, (parent, (x, y, z)) in _HALF.items()}}
PARTS = tuple(_HALF)
# The joints whose places are the rig's own.
BODY = [name for name in JOINT_INDEX if name in T_POSE]
# Name -> words for left and right, pattern of those and PARTS, pattern of the middle, its words.
RIGS = {
    'CMU': ('Left Right', '{side}{part}', 'Shoulder Arm ForeArm Hand UpLeg Leg Foot ToeBase', '{}',
            'Hips LowerBack Spine1 Neck Head'),
    'cgspeed': ('Left Right', '{side}{part}', 'Collar Shoulder Elbow Wrist Hip Knee Ankle Toe', '{}',
                'Hips Chest Chest2 Neck Head'),
    'Mixamo': ('Left Right', 'mixamorig:{side}{part}', 'Shoulder Arm ForeArm Hand UpLeg Leg Foot ToeBase',
               'mixamorig:{}', 'Hips Spine Spine2 Neck Head'),
    'Model_': ('Left Right', 'Model_{side}{part}', 'Shoulder Arm ForeArm Hand UpLeg Leg Foot ToeBase', 'Model_{}',
               'Hips Spine Spine2 Neck Head'),
    'Blender': ('L R', '{part}.{side}', 'Shoulder Arm ForeArm Hand UpLeg Leg Foot Toe', '{}',
                'Hips Spine Chest Neck Head'),
    'Rigify': ('L R', 'DEF-{part}.{side}', 'shoulder upper_arm forearm hand thigh shin foot toe', 'DEF-{}',
               'pelvis spine spine.003 spine.004 spine.006'),
    'Unreal': ('l r', '{part}_{side}', 'clavicle upperarm lowerarm hand thigh calf foot ball', '{}',
               'pelvis spine_01 spine_03 neck_01 head'),
    'SMPL': ('L R', '{side}_{part}', 'Collar Shoulder Elbow Wrist Hip Knee Ankle Foot', '{}',
             'Pelvis Spine1 Spine3 Neck Head'),
    'SMPL by Blender': ('L R', 'm_avg_{side}_{part}', 'Collar Shoulder Elbow Wrist Hip Knee Ankle Foot', 'm_avg_{}',
                        'Pelvis Spine1 Spine3 Neck Head'),
    'MakeHuman': ('L R', '{part}.{side}', 'shoulder01 upperarm01 lowerarm01 wrist upperleg01 lowerleg01 foot toe1-1',
                  '{}', 'root spine05 spine01 neck01 head'),
    'MakeHuman MHX': ('L R', '{part}_{side}', 'Clavicle UpArm LoArm Hand UpLeg LoLeg Foot Toe', '{}',
                      'Root Spine1 Spine3 Neck Head'),
    '3ds Max': ('L R', 'Bip01 {side} {part}', 'Clavicle UpperArm Forearm Hand Thigh Calf Foot Toe0', 'Bip01{}',
                ['', ' Spine', ' Spine1', ' Neck', ' Head']),
    'Source': ('L R', 'ValveBiped.Bip01_{side}_{part}', 'Clavicle UpperArm Forearm Hand Thigh Calf Foot Toe0',
               'ValveBiped.Bip01_{}', 'Pelvis Spine Spine4 Neck1 Head1'),
    'Bandai Namco': ('L R', '{part}_{side}', 'Shoulder UpperArm LowerArm Hand UpperLeg LowerLeg Foot Toes', '{}',
                     'Hips Spine Chest Neck Head'),
    'Xsens': ('Left Right', '{side}{part}', 'Shoulder UpperArm ForeArm Hand UpperLeg LowerLeg Foot Toe', '{}',
              'Pelvis L5 T8 Neck Head'),
    'ASF': ('l r', '{side}{part}', 'clavicle humerus radius wrist femur tibia foot toes', '{}',
            'root lowerback thorax lowerneck head'),
    'Perception Neuron': ('Left Right', 'Robot_{side}{part}', 'Shoulder Arm ForeArm Hand UpLeg Leg Foot Toe',
                          'Robot_{}', 'Hips Spine Spine2 Neck Head'),
    'Rokoko': ('Left Right', '{side}{part}', 'Shoulder Arm ForeArm Hand Thigh Shin Foot Toe', '{}',
               'Hips Spine1 Spine4 Neck Head'),
    'VRM': ('L R', 'J_Bip_{side}_{part}', 'Shoulder UpperArm LowerArm Hand UpperLeg LowerLeg Foot ToeBase',
            'J_Bip_C_{}', 'Hips Spine Chest Neck Head'),
    'Maya': ('L R', '{part}_{side}', 'Scapula Shoulder Elbow Wrist Hip Knee Ankle Toes', '{}_M',
             'Root Spine1 Chest Neck Head'),
    'VRChat': ('Left Right', '{side} {part}', 'shoulder arm elbow wrist leg knee ankle toe', '{}',
               'Hips Spine Chest Neck Head'),
    'Kinect': ('Left Right', '{part}{side}', 'Clavicle Shoulder Elbow Wrist Hip Knee Ankle Foot', '{}',
               'SpineBase SpineMid SpineShoulder Neck Head'),
    'Second Life': ('Left Right', 'm{part}{side}', 'Collar Shoulder Elbow Wrist Hip Knee Ankle Foot', 'm{}',
                    'Pelvis Torso Chest Neck Head'),
    'Poser': ('l r', '{side}{part}', 'Collar Shldr ForeArm Hand Thigh Shin Foot Toe', '{}',
              'hip abdomen chest neck head'),
    'Daz': ('l r', '{side}{part}', 'Collar ShldrBend ForearmBend Hand ThighBend Shin Foot Toe', '{}',
            'hip abdomenLower chestUpper neckLower head'),
    'Character Creator': ('L R', 'CC_Base_{side}_{part}', 'Clavicle Upperarm Forearm Hand Thigh Calf Foot ToeBase',
                          'CC_Base_{}', 'Hip Waist Spine02 NeckTwist01 Head'),
    'OptiTrack': ('L R', '{side}{part}', 'Shoulder UArm FArm Hand Thigh Shin Foot Toe', '{}', 'Hip Ab Chest Neck Head'),
    'DeepMotion': ('l r', '{side}_{part}_JNT', 'shoulder arm forearm hand upleg leg foot toebase', '{}_JNT',
                   'hips spine spine2 neck head'),
    'MotionBuilder': ('Left Right', 'Character1_{side}{part}', 'Shoulder Arm ForeArm Hand UpLeg Leg Foot ToeBase',
                      'Character1_{}', 'Hips Spine Spine2 Neck Head'),
}


def names_of(rig):
    """Returns dict, joint of T_POSE -> its name in a rig of RIGS."""
    sides, pattern, parts, middle, words = RIGS[rig]
    parts, words = parts.split(), words.split() if isinstance(words, str) else words
    return {**{name: middle.format(word) for name, word in zip(('pelvis', 'spine', 'chest', 'neck', 'head'), words,
                                                               strict=True)},
            **{letter + name: pattern.format(side=side, part=part)
               for letter, side in zip('lr', sides.split(), strict=True)
               for name, part in zip(PARTS, parts, strict=True)}}


def turns(**angles):
    """Returns a frame: dict, joint -> `Rotation` about its own place; values are (axis, degrees), see T_POSE."""
    return {joint: Rotation.from_euler(*angle, degrees=True) for joint, angle in angles.items()}


FRAMES = [turns(), turns(lsho=('z', 70), relb=('y', 80)), turns(pelvis=('y', 50), lhip=('x', -40), lkne=('x', 60)),
          turns(spine=('x', 35), neck=('y', 20), rsho=('z', 60), lsho=('y', -30)),
          turns(pelvis=('z', 12), rhip=('x', 25), rsho=('x', 40))]


def body(frames):
    """Follows the body; returns dict, joint -> place [T, 3], and dict, joint -> T `Rotation`s from T-pose."""
    places, rotations = {}, {}
    for joint, (parent, place) in T_POSE.items():
        own = Rotation.concatenate([frame.get(joint, Rotation.identity()) for frame in frames])
        offset = np.subtract(place, T_POSE[parent][1] if parent else 0)
        places[joint] = (places[parent] + rotations[parent].apply(offset) if parent
                         else np.array([np.add(place, frame.get('move', 0)) for frame in frames], float))
        rotations[joint] = rotations[parent] * own if parent else own
    return places, rotations


def expected(frames, turn=0):
    """Returns [T, 19, 3] of BODY, the rest 0, as a camera sees them that the person of T_POSE faces, pelvis at 0."""
    places, _ = body(frames)
    pelvis = (places['lhip'] + places['rhip']) / 2
    seen = np.zeros((len(frames), len(JOINT_INDEX), 3))
    for name in BODY:
        seen[:, JOINT_INDEX[name]] = Rotation.from_euler('y', turn, degrees=True).apply(places[name] - pelvis)
    return seen * (1, -1, -1)


def _along_x(joint):
    """Returns the `Rotation` that brings X into the direction of a joint's bone."""
    child = next((name for name, (parent, _) in T_POSE.items() if parent == joint), None)
    if child is None:
        return _along_x(T_POSE[joint][0])
    bone = np.subtract(T_POSE[child][1], T_POSE[joint][1])
    return Rotation.align_vectors([bone, (0, 0, 1)], [(1, 0, 0), (0, 0, 1)], weights=[1e6, 1])[0]


def _rest_frames(rest, world):
    """Returns dict, joint -> `Rotation`, T-pose from joint: what is constant in the file's rotations."""
    identity, arms = Rotation.identity(), ('sho', 'elb', 'wri')
    return {'T': lambda joint: identity, 'file': lambda joint: world.inv(),
            'A': lambda joint: Rotation.from_euler('z', 50 if joint[0] == 'l' else -50, degrees=True)
            if joint[1:] in arms else identity,
            'lying': lambda joint: Rotation.from_euler('yx', (90, 90), degrees=True),
            'along x': _along_x,
            'random': lambda joint: Rotation.random(random_state=sum(map(ord, joint)))}[rest]


def text_of(frames, names=None, world=None, rest='T', order='ZXY', scale=1.0, seconds=0.02):
    """Writes a BVH text.

    Args:
      frames: list of `turns`; 'move' adds to the pelvis' place.
      names: dict as of `names_of`; joints without a name are left out, and their children hang on the parent.
      world: `Rotation`, the file's axes from those of T_POSE; None: the same.
      rest: 'T', 'A', 'lying', 'along x', 'random', or 'file': T-pose in the file's own axes.
      order: of the angles.
      scale: of lengths.
      seconds: of a frame.
    """
    names, world = names or names_of('CMU'), world or Rotation.identity()
    constant = _rest_frames(rest, world)
    parents = {joint: parent for joint, (parent, _) in T_POSE.items()}
    for joint, parent in parents.items():
        while parent is not None and parent not in names:
            parent = parents[parent]
        parents[joint] = parent
    places, rotations = body(frames)
    columns = []

    def part(joint, depth):
        parent = parents[joint]
        own = world * rotations[joint] * constant(joint)
        move = [scale * world.apply(places[joint])] if parent is None else []
        local = own if parent is None else (world * rotations[parent] * constant(parent)).inv() * own
        columns.extend([*move, local.as_euler(order, degrees=True)])
        offset = np.zeros(3) if parent is None else constant(parent).inv().apply(
            scale * np.subtract(T_POSE[joint][1], T_POSE[parent][1]))
        children = [child for child, above in parents.items() if above == joint and child in names]
        inner = ''.join(part(child, depth + 1) for child in children) or 'End Site\n{\nOFFSET 0 0 0\n}\n'
        return (f'{"JOINT" if depth else "ROOT"} {names[joint]}\n{{\nOFFSET {" ".join(f"{x:.8f}" for x in offset)}\n'
                f'CHANNELS {3 if depth else 6} {"" if depth else "Xposition Yposition Zposition "}'
                f'{" ".join(f"{axis}rotation" for axis in order)}\n{inner}}}\n')

    head = part('pelvis', 0)
    rows = '\n'.join(' '.join(f'{x:.8f}' for x in row) for row in np.concatenate(columns, axis=1))
    return f'HIERARCHY\n{head}MOTION\nFrames: {len(frames)}\nFrame Time: {seconds}\n{rows}\n'
