"""The cross product of vectors in three dimensions."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.draws import normal
from fastgrad.rules.rule import ops, rule

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")

_NEXT, _LAST = np.array([1, 2, 0]), np.array([2, 0, 1])


def _are_plain(x1, x2, axis):
    """Return whether both operands are arrays of the same shape, with vectors of length 3."""
    shape = getattr(x1, "shape", ())
    return shape and shape == getattr(x2, "shape", ()) and -len(shape) <= axis < len(shape) and shape[axis] == 3


@rule(
    batch=batching.cross,
    vjp=(
        lambda g, x1_shape, x2, axis: ops.sum_to(cross(x2, g, axis), x1_shape),
        lambda g, x1, x2_shape, axis: ops.sum_to(cross(g, x1, axis), x2_shape),
    ),
    jvp="multilinear",
    prepare=parameters.read(axis=parameters.integer),
    numpy=("linalg.cross",),
    samples=normal(
        ([(3,), (3,)], {}), ([(2, 3), (3,)], {}), ([(3, 2), (3, 2)], {"axis": 0}), ([(1, 3), (4, 1, 3)], {}),
        ([(0, 3), (3,)], {}),
    ),
    pattern=lambda call, k: patterns.lines(call, k) if call.params["axis"] < 0 else None,
)  # fmt: skip
def cross(x1, x2, /, axis=-1):
    """Cross products of the vectors of length 3 along `axis`; the other axes broadcast."""
    if not _are_plain(x1, x2, axis):
        return np.linalg.cross(x1, x2, axis=axis)
    y = x1.take(_NEXT, axis) * x2.take(_LAST, axis)  # a fifth of the time of np.linalg.cross, and the same roundings
    y -= x1.take(_LAST, axis) * x2.take(_NEXT, axis)
    return y
