"""Ops of counts, bins and evenly spaced values, which are linear in their weights and ends."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.draws import normal
from fastgrad.rules.indexing import getitem
from fastgrad.rules.reductions import sum
from fastgrad.rules.rule import rule
from fastgrad.rules.shapes import sum_to

batching_families = lazy_functions("fastgrad.rules.batching_families")


@rule(
    batch=batching_families.bincount,
    vjp=(None, lambda g, x: getitem(g, x.detach().numpy().astype(np.intp))),
    jvp=(None, lambda t, x, minlength: bincount(x, t, minlength)),
    operands=2,
    prepare=parameters.read(minlength=parameters.integer),
    samples=lambda rng: [
        ((np.array([0, 2, 2, 5]), rng.normal(size=4)), {}),
        ((np.array([1, 1]), rng.normal(size=2)), {"minlength": 4}),
    ],
    pattern=lambda call, k: (call.read(0, np.array), None),
)  # fmt: skip
def bincount(x, weights=None, minlength=0):
    """The number of occurrences of each integer in `x`, or the sum of their `weights`."""
    return np.bincount(x, weights, minlength)


def _places(num, endpoint, axis, ndim, dtype):
    """The positions of the values between both ends, from 0 to 1, along `axis` of the result."""
    places = np.linspace(0, 1, num, endpoint=endpoint, dtype=dtype)
    return places.reshape([-1 if k == axis % ndim else 1 for k in range(ndim)])


def _end_vjp(g, x_shape, num, endpoint, axis, first):
    """The sum of `g` along `axis`, weighted with the positions from the other end."""
    places = _places(num, endpoint, axis, g.ndim, g.dtype)
    return sum_to(sum(g * (1 - places if first else places), axis), x_shape)


@rule(
    batch=batching_families.linspace,
    vjp=(
        lambda g, start_shape, num, endpoint, axis: _end_vjp(g, start_shape, num, endpoint, axis, True),
        lambda g, stop_shape, num, endpoint, axis: _end_vjp(g, stop_shape, num, endpoint, axis, False),
    ),
    jvp="linear",
    numpy=(),
    prepare=parameters.read(num=parameters.integer, axis=parameters.integer),
    samples=normal(
        ([(), ()], {}), ([(2,), (3, 1)], {"num": 4}), ([(2,), (2,)], {"num": 4, "axis": -1, "endpoint": False}),
        ([(), (2,)], {"num": 1}), ([(0,), (0,)], {"num": 3}), ([(), ()], {"num": 0}),
    ),
)  # fmt: skip
def linspace(start, stop, /, num=50, endpoint=True, dtype=None, axis=0):
    """`num` evenly spaced values from `start` to `stop`, along `axis`."""
    return np.linspace(start, stop, num, endpoint, dtype=dtype, axis=axis)
