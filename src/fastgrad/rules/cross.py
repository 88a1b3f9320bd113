"""The cross product of vectors in three dimensions."""

import numpy as np

from fastgrad import parameters
from fastgrad.rules.draws import normal
from fastgrad.rules.rule import ops, rule


@rule(
    vjp=(
        lambda g, x1_shape, x2, axis: ops.sum_to(cross(x2, g, axis), x1_shape),
        lambda g, x1, x2_shape, axis: ops.sum_to(cross(g, x1, axis), x2_shape),
    ),
    prepare=parameters.read(axis=parameters.integer),
    numpy=("linalg.cross",),
    samples=normal(
        ([(3,), (3,)], {}), ([(2, 3), (3,)], {}), ([(3, 2), (3, 2)], {"axis": 0}), ([(1, 3), (4, 1, 3)], {}),
        ([(0, 3), (3,)], {}),
    ),
)  # fmt: skip
def cross(x1, x2, /, axis=-1):
    """Cross products of the vectors of length 3 along `axis`; the other axes broadcast."""
    return np.linalg.cross(x1, x2, axis=axis)
