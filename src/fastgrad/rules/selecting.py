"""Selecting, removing and inserting elements: the forward is NumPy's function, which the vjp applies to positions."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.checks import values_of
from fastgrad.rules.comparison import where
from fastgrad.rules.draws import normal
from fastgrad.rules.indexing import getitem, scatter_add
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import reshape, sum_to

batching = lazy_functions("fastgrad.rules.batching")
batching_families = lazy_functions("fastgrad.rules.batching_families")
keys = lazy_functions("fastgrad.rules.keys")
patterns = lazy_functions("fastgrad.rules.patterns")


def _back(g, x_shape, function, *args):
    """`g`, added up at the positions of the elements that `function` returns."""
    source = patterns.positions(x_shape)
    if not source.size:
        return ops.astype(np.zeros(x_shape), g.dtype)
    return reshape(scatter_add(g, (function(source, *args),), (source.size,)), x_shape)


@rule(
    batch=batching.along_axis,
    vjp=lambda g, arr_shape, obj, axis: _back(g, arr_shape, np.delete, obj, axis),
    jvp="linear",
    prepare=parameters.read(obj=parameters.key, axis=parameters.axes),
    samples=normal(
        ((5,), {"obj": 1}), ((3, 4), {"obj": np.array([0, -1]), "axis": 1}), ((3, 4), {"obj": slice(1, 9, 2)}),
        ((2, 3), {"obj": np.array([True, False]), "axis": 0}), ((0, 2), {"obj": 1, "axis": 1}),
    ),
    pattern=patterns.selects,
)  # fmt: skip
def delete(arr, /, obj, axis=None):
    """`arr` without the subarrays `obj` along `axis`, or without elements of the flattened `arr`."""
    return np.delete(arr, obj, axis)


def _inserted(g, arr_shape, values_shape, obj, axis, own):
    """`g` at the new places of the elements of `arr`, or of `values`."""
    arr = patterns.positions(arr_shape)
    values = patterns.positions(values_shape, arr.size)
    source = np.insert(arr, obj, values, axis)
    gx = scatter_add(g, (source,), (arr.size + values.size,))
    return reshape(
        getitem(gx, slice(0, arr.size) if own else slice(arr.size, None)), arr_shape if own else values_shape
    )


@rule(
    batch=batching_families.insert,
    vjp=(
        lambda g, arr_shape, values_shape, obj, axis: _inserted(g, arr_shape, values_shape, obj, axis, True),
        lambda g, arr_shape, values_shape, obj, axis: _inserted(g, arr_shape, values_shape, obj, axis, False),
    ),
    jvp="linear",
    numpy=(),
    prepare=parameters.read(obj=parameters.key, axis=parameters.axes),
    samples=normal(
        ([(5,), ()], {"obj": 1}), ([(5,), (2,)], {"obj": np.array([3, 0])}), ([(2, 3), (2,)], {"obj": -1, "axis": 1}),
        ([(2, 3), (3,)], {"obj": np.array([0, 2]), "axis": 0}),
        ([(2, 3), (2, 2)], {"obj": np.array([1, 1]), "axis": 1}),
        ([(4,), (2,)], {"obj": slice(1, 3)}), ([(0,), (1,)], {"obj": 0}),
    ),
    pattern=patterns.selects,
)  # fmt: skip
def insert(arr, values, /, obj, axis=None):
    """`arr` with `values` inserted before the positions `obj` along `axis`, or into the flattened `arr`."""
    return np.insert(arr, obj, values, axis)


@rule(
    batch=batching_families.compress,
    vjp=(None, lambda g, a_shape, condition, axis: _back(
        g, a_shape, lambda x: np.compress(values_of(condition), x, axis)
    )),
    jvp=(None, lambda t, condition, axis: compress(condition, t, axis)),
    prepare=parameters.read(axis=parameters.axes),
    samples=lambda rng: [
        ((np.array(condition, bool), rng.normal(size=shape)), params)
        for condition, shape, params in (
            ([0, 1, 1], (5,), {}), ([1, 0, 1], (3, 2), {"axis": 0}), ([0, 1], (2, 3), {"axis": -1}),
            ([1, 1], (2, 3), {}), ([1, 0], (2, 0), {"axis": 0}),
        )
    ],
    pattern=patterns.selects,
)  # fmt: skip
def compress(condition, a, /, axis=None):
    """The subarrays of `a` along `axis`, or elements of the flattened `a`, for which `condition` is True."""
    return np.compress(condition, a, axis)


@rule(
    batch=batching_families.extract,
    vjp=(
        None,
        lambda g, arr_shape, condition: _back(g, arr_shape, lambda x: np.extract(values_of(condition), x)),
    ),
    jvp=(None, lambda t, condition: extract(condition, t)),
    samples=lambda rng: [
        ((rng.normal(size=shape) > 0, rng.normal(size=shape)), {}) for shape in ((5,), (2, 3), (0, 2))
    ],
    pattern=patterns.selects,
)
def extract(condition, arr, /):
    """The elements of `arr` for which `condition` is nonzero, as a vector."""
    return np.extract(condition, arr)


@rule(
    batch=batching_families.resize,
    vjp=lambda g, a_shape, new_shape: _back(g, a_shape, np.resize, new_shape),
    jvp="linear",
    prepare=parameters.read(new_shape=parameters.shape),
    samples=normal(
        ((5,), {"new_shape": (2, 4)}), ((2, 3), {"new_shape": 4}), ((2,), {"new_shape": (0,)}),
        ((0, 2), {"new_shape": (3,)}), ((), {"new_shape": (2, 2)}),
    ),
    pattern=patterns.selects,
)  # fmt: skip
def resize(a, /, new_shape):
    """`new_shape` filled with the elements of `a`, as often as they fit."""
    return np.resize(a, new_shape)


def _is_chosen(a, i, n, mode):
    """Return where `a` selects choice number `i` of `n`."""
    return (np.clip(a, 0, n - 1) if mode == "clip" else a % n if mode == "wrap" else a) == i


@rule(
    vjp=lambda g, i, choices_shape, a, mode: where(_is_chosen(a, i, len(choices_shape), mode), g, 0),
    elementwise=True,
    numpy=(),
    prepare=parameters.read(a=parameters.key, mode=parameters.word),
    samples=lambda rng: [
        (tuple(rng.normal(size=shape) for shape in shapes), {"a": np.array(a, int), **params})
        for shapes, a, params in (
            (((3,), (3,)), [0, 1, 0], {}), (((2, 1), (3,), ()), [[0, 2, 1]], {}),
            (((2,), (2,)), [-1, 3], {"mode": "wrap"}), (((2,), (2,)), [-1, 3], {"mode": "clip"}),
            (((0,), (0,)), [], {}),
        )
    ],
)  # fmt: skip
def choose(*choices, a, mode="raise"):
    """For each element of the index array `a`, the element of the choice with that number."""
    return np.choose(a, choices, mode=mode)


def _add_at_pattern(call, k):
    if k == 0:
        return patterns.elementwise(call, k)
    target = patterns.positions(call.shape)[call.params["key"]]
    return target.ravel(), np.broadcast_to(patterns.positions(call.shape_of(1)), target.shape).ravel()


@rule(
    batch=keys.add_at,
    vjp=(lambda g: g, lambda g, key, values_shape: sum_to(getitem(g, key), values_shape)),
    jvp="linear",
    numpy=(),
    prepare=parameters.read(key=parameters.key),
    samples=normal(
        ([(4,), (3,)], {"key": np.array([0, 0, 2])}), ([(3, 4), (4,)], {"key": np.array([1, 1])}),
        ([(3, 4), (3, 1)], {"key": (slice(None), np.array([3, 3]))}), ([(3,), ()], {"key": 1}),
        ([(3,), (0,)], {"key": np.array([], dtype=np.intp)}),
        ([(2, 3), (3,)], {"key": np.array([[True, False, True], [False, True, False]])}),
    ),
    pattern=_add_at_pattern,
)  # fmt: skip
def add_at(x, values, /, key):
    """A copy of `x` to which `values` are added at `key`; values at repeated indices add up."""
    out = np.array(x)
    np.add.at(out, key, values)
    return out
