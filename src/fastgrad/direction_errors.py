"""Errors of forward mode and of derivatives in several directions at once."""

from fastgrad.errors import DTypeError, ShapeError


def _described(shape, dtype, batch):
    return f"{dtype} and shape {shape if batch is None else (batch, *shape)}"


def direction_shape(word, k, got, shape, dtype, batch):
    """A tangent or cotangent, number `k` of `word`, does not fit its tensor."""
    what = f"{got.dtype} and shape {got.shape}" if hasattr(got, "dtype") else type(got).__name__
    return ShapeError(f"{word}[{k}] is {what}: a Tensor of {_described(shape, dtype, batch)} is wanted")


def jvp_shape(op, got, shape, dtype, batch):
    """A rule returned a tangent that does not fit its result."""
    if not hasattr(got, "dtype"):
        return DTypeError(f"the jvp of {op!r} returned {type(got).__name__}: a rule must return a Tensor")
    return ShapeError(
        f"the jvp of {op!r} returned {got.dtype} and shape {got.shape}: the tangent of its result has "
        f"{_described(shape, dtype, batch)}"
    )


def too_many_axes():
    """The axis of a batch would be one too many."""
    return ShapeError("a batch of tangents has one axis more than its Tensors, and a Tensor has at most 64")
