"""Joining arrays: each operand gets its part of the upstream gradient."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.draws import normal
from fastgrad.rules.indexing import getitem
from fastgrad.rules.rule import rule

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")


def _parts(g, xs_shape, axis):
    """The parts of `g` at the positions of the operands."""
    axis %= g.ndim
    before, end, parts = (slice(None),) * axis, 0, []
    for shape in xs_shape:
        start, end = end, end + shape[axis]
        parts.append(getitem(g, (*before, slice(start, end))))
    return tuple(parts)


@rule(
    batch=batching.joined,
    vjp=lambda g, xs_shape, axis: _parts(g, xs_shape, axis),
    jvp="linear",
    together=True,  # where one part is depends on the lengths of all operands before it
    numpy=(),
    prepare=parameters.read(axis=parameters.integer),
    samples=normal(([(2, 3), (1, 3)], {}), ([(2, 3), (2, 1), (2, 0)], {"axis": -1}), ([(2,)], {"axis": 0})),
    pattern=patterns.selects,
)
def concat(*xs, axis=0):
    """The arrays `xs` joined along `axis`."""
    return np.concatenate(xs, axis=axis)


@rule(
    batch=batching.stacked,
    vjp=lambda g, i, axis: getitem(g, (*(slice(None),) * (axis % g.ndim), i)),
    jvp="linear",
    numpy=(),
    prepare=parameters.read(axis=parameters.integer),
    samples=normal(([(2, 3), (2, 3)], {}), ([(2, 3)] * 3, {"axis": -1}), ([(), ()], {}), ([(0, 2)] * 2, {"axis": 1})),
    pattern=patterns.selects,
)
def stack(*xs, axis=0):
    """The arrays `xs`, of the same shape, joined along a new `axis`."""
    return np.stack(xs, axis=axis)
