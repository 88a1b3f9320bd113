"""Indexing. A key contains what NumPy accepts: integers, slices, None, Ellipsis, index arrays, boolean masks."""

import numpy as np

from fastgrad import parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.comparison import where
from fastgrad.rules.draws import normal
from fastgrad.rules.rule import ops, rule
from fastgrad.rules.shapes import sum_to

batching = lazy_functions("fastgrad.rules.batching")
keys = lazy_functions("fastgrad.rules.keys")
patterns = lazy_functions("fastgrad.rules.patterns")


def _arrays(key):
    """Return the index arrays of a key."""
    return [part for part in (key if isinstance(key, tuple) else (key,)) if isinstance(part, np.ndarray)]


def _keys():
    """Return shapes and keys of every kind, for the samples."""
    return (
        ((3, 4), 1), ((3, 4), (slice(None), -1)), ((3, 4), (slice(None, None, -2), None, slice(1, 3))),
        ((2, 3, 4), (..., 0)), ((3,), ...), ((), ()), ((3, 2), slice(2, 2)), ((0, 2), (slice(None), 0)),
        ((4,), np.array([0, 2, 2, -1])), ((3, 4), np.array([[0, 1], [1, 1]])), ((5, 2), (np.array([4, 4, 0, 1]),)),
        ((3, 4), (np.array([0, 2, 0]), np.array([1, 1, 1]))), ((3,), np.array([], dtype=np.intp)),
        ((2, 3), np.array([[True, False, True], [False, True, False]])), ((3, 2), np.array([True, False, True])),
        ((2, 3, 4), (np.array([0, 1, 1]), slice(None), np.array([3, 3, 0]))),
        ((3, 4), (slice(1, None), np.array([1, 1, 3]))), ((2, 3), (np.array([True, False]), np.array([1, 1]))),
    )  # fmt: skip


@rule(
    batch=keys.getitem,
    vjp=lambda g, x_shape, key: scatter_add(g, key, x_shape),
    jvp="linear",  # an element that is read twice gets both cotangents
    view=True,
    numpy=(),
    prepare=parameters.read(key=parameters.key),
    samples=lambda rng: [((rng.normal(size=shape),), {"key": key}) for shape, key in _keys()],
)
def getitem(x, /, key):
    """`x[key]`."""
    return x[key]


@rule(
    batch=keys.scatter_add,
    vjp=lambda g, key: getitem(g, key),
    jvp="linear",
    numpy=(),
    prepare=parameters.read(key=parameters.key, shape=parameters.shape),
    samples=lambda rng: [
        ((rng.normal(size=np.empty(shape)[key].shape),), {"key": key, "shape": shape}) for shape, key in _keys()
    ],
    pattern=lambda call, k: (patterns.positions(call.shape)[call.params["key"]].ravel(), None),
)
def scatter_add(x, /, key, shape):
    """Zeros of `shape` with `x` added at `key`; values at repeated indices add up. The transpose of `getitem`."""
    out = np.zeros(shape, x.dtype)
    if all(part.dtype.kind == "b" for part in _arrays(key)):
        out[key] = x  # boolean masks do not repeat an element
    else:
        np.add.at(out, key, x)
    return out


def _last_writers(key, shape, selected):
    """Return which values of an assignment are stored: where indices repeat, the last value written stays."""
    number = np.arange(np.prod(selected, dtype=np.intp)).reshape(selected)
    stored = np.empty(shape, np.intp)
    stored[key] = number
    return stored[key] == number


def _setitem_value_vjp(g, key, value_shape):
    """`g[key]`; of several values that were written to one element, only the last gets a gradient."""
    gv = getitem(g, key)
    if any(part.dtype.kind != "b" for part in _arrays(key)):
        gv = where(_last_writers(key, g.shape, gv.shape), gv, 0)
    lead = len(value_shape) - gv.ndim  # NumPy allows a value to have additional leading axes of length 1
    gv = sum_to(gv, value_shape[lead:] if lead > 0 else value_shape)
    return ops.reshape(gv, value_shape) if lead > 0 else gv


@rule(
    batch=keys.setitem,
    vjp=(lambda g, key: setitem(g, 0, key), lambda g, key, value_shape: _setitem_value_vjp(g, key, value_shape)),
    jvp="linear",
    numpy=(),
    prepare=parameters.read(key=parameters.key),
    samples=lambda rng: (
        [
            ((rng.normal(size=shape), rng.normal(size=np.empty(shape)[key].shape)), {"key": key})
            for shape, key in _keys()
        ]
        + [((rng.normal(size=(3, 4)), rng.normal(size=(1, 4))), {"key": slice(1, 3)})]
    ),
    pattern=patterns.selects,
)
def setitem(x, value, /, key):
    """A copy of `x` in which `x[key]` is `value`."""
    out = np.array(x)
    out[key] = value
    return out


def _sort_vjp(g, x, axis):
    """Each element gets the cotangent of its position in the result; equal elements keep their order."""
    values = x.detach().numpy()
    places = np.argsort(np.argsort(values, axis=axis, kind="stable"), axis=axis)
    key = list(np.ogrid[tuple(map(slice, values.shape))])
    key[axis] = places
    return getitem(g, tuple(key))


def _sort_jvp(t, x, axis):
    """Each position of the result gets the tangent of its element."""
    key = list(np.ogrid[tuple(map(slice, x.shape))])
    key[axis] = np.argsort(x.detach().numpy(), axis=axis, kind="stable")
    return getitem(t, tuple(key))


@rule(
    batch=batching.along_axis,
    vjp=lambda g, x, axis: _sort_vjp(g, x, axis),
    jvp=lambda t, x, axis: _sort_jvp(t, x, axis),
    holomorphic=False,
    numpy=(),
    prepare=parameters.read(axis=parameters.integer),
    samples=normal(((5,), {}), ((3, 4), {"axis": 0}), ((2, 3, 4), {"axis": 1}), ((2, 70), {}), ((0, 3), {"axis": 0})),
    pattern=patterns.lines,
)
def sort(x, /, axis=-1):
    """`x` sorted along `axis`."""
    return np.sort(x, axis=axis)
