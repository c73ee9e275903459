"""Reposing humans by warping 3D features: the model, its parts and its losses.

    reposer = repose_tf.load('models/people-256')
    person = reposer.source(image, pose_px)
    pictures = person.repose(target_poses_px)

Importing this package loads no TensorFlow; the first use of a name that needs it does. Import it before
TensorFlow: it then sees to the fast kernels (`processor.choose_kernels`).
"""

import importlib

from repose_tf import processor

__version__ = '0.1.0'

_MODULES = {'load': 'reposer', 'Reposer': 'reposer', 'Generator': 'generator', 'Architecture': 'architecture',
            'VolumetricWarp': 'warp.volumetric_warp', 'UserError': 'errors'}
__all__ = ['Architecture', 'Generator', 'Reposer', 'UserError', 'VolumetricWarp', '__version__', 'load', 'reference',
           'skeleton']

processor.choose_kernels()


def __getattr__(name):
    """Imports the module of a name when the name is first used."""
    if name in ('skeleton', 'reference'):
        return importlib.import_module(f'repose_tf.{name}')
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'repose_tf.{_MODULES[name]}'), name)


def __dir__():
    return sorted({*globals(), *__all__})
