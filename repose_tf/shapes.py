"""Shape checks that name the tensor, what was expected and what was found."""

from repose_tf.errors import UserError
from repose_tf.skeleton import NUM_JOINTS


class ShapeError(UserError, ValueError):
    """A tensor has the wrong rank, size or kind of content."""


def check_shape(name, tensor, expected):
    """Raises unless the static shape of a tensor fits a pattern.

    Args:
      name: what the tensor is called in the error.
      tensor: anything with a `.shape`; unknown dimensions pass.
      expected: a sequence of axes, each an int (must match) or a letter (any size).

    Raises:
      ShapeError: if the rank or one of the sizes differs.
    """
    found = tuple(tensor.shape)
    fits = len(found) == len(expected) and all(
        isinstance(axis, str) or size is None or size == axis for axis, size in zip(expected, found))
    if not fits:
        pattern = ', '.join(str(axis) for axis in expected)
        raise ShapeError(f'{name}: expected shape [{pattern}], found {list(found)}.')


def check_pose(name, pose_px):
    """Raises ShapeError unless `pose_px` is [B, 19, 3]."""
    check_shape(name, pose_px, ('B', NUM_JOINTS, 3))


def check_image_pair(generated, truth, min_size):
    """Raises ShapeError unless both are [B, H, W, 3] of one size, of at least `min_size` rows and columns."""
    check_shape('generated', generated, ('B', 'H', 'W', 3))
    sizes = [size or axis for size, axis in zip(generated.shape[:3], 'BHW')]
    check_shape('truth', truth, (*sizes, 3))
    if any(size is not None and size < min_size for size in generated.shape[1:3]):
        raise ShapeError(f'generated: expected at least {min_size} px, found {list(generated.shape)}.')


def check_same_batch(**tensors):
    """Raises ShapeError unless all named tensors have the same (statically known) first axis."""
    sizes = {name: tensor.shape[0] for name, tensor in tensors.items() if tensor.shape[0] is not None}
    if len(set(sizes.values())) > 1:
        raise ShapeError(f'Batch sizes differ: {sizes}.')
