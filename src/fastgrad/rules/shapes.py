"""Shape ops: reorder, select or repeat elements. The only arithmetic is summation, the transpose of repetition."""

import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from fastgrad import errors, parameters
from fastgrad._lazy import lazy_functions
from fastgrad.rules.draws import normal
from fastgrad.rules.rule import ops, rule

batching = lazy_functions("fastgrad.rules.batching")
patterns = lazy_functions("fastgrad.rules.patterns")


@rule(
    batch=batching.broadcast_to,
    vjp=lambda g, x_shape: sum_to(g, x_shape),
    jvp="linear",
    view=True,
    prepare=parameters.read(shape=parameters.shape),
    samples=normal(
        ((3, 1), {"shape": (2, 3, 4)}),
        ((), {"shape": (2, 2)}),
        ((4,), {"shape": (4,)}),
        ((1,), {"shape": (0,)}),
        ((0,), {"shape": (2, 0)}),
    ),
)
def broadcast_to(x, /, shape):
    """`x` broadcast to `shape`."""
    return np.broadcast_to(x, shape)


@rule(
    batch=batching.sum_to,
    vjp=lambda g, x_shape: broadcast_to(g, x_shape),
    jvp="linear",
    numpy=(),
    prepare=parameters.read(shape=parameters.shape),
    samples=normal(
        ((2, 3, 4), {"shape": (3, 1)}), ((2, 3), {"shape": ()}), ((2, 3), {"shape": (2, 3)}), ((0, 3), {"shape": (3,)})
    ),
    pattern=patterns.sums_to,
)
def sum_to(x, /, shape):
    """`x` summed over the axes along which `shape` would be broadcast to it: the transpose of `broadcast_to`."""
    lead = x.ndim - len(shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(shape, x.shape[lead:], strict=True)):
        raise errors.not_summed_to(x.shape, shape)
    axes = tuple(range(lead)) + tuple(k + lead for k, n in enumerate(shape) if n == 1 and x.shape[k + lead] != 1)
    return np.sum(x, axis=axes, dtype=x.dtype).reshape(shape) if axes else np.array(x)


@rule(
    batch=batching.reshape,
    vjp=lambda g, x_shape: reshape(g, x_shape),
    jvp="linear",
    view=True,
    prepare=parameters.read(shape=parameters.shape),
    samples=normal(
        ((2, 6), {"shape": (3, -1)}), ((), {"shape": (1, 1)}), ((4,), {"shape": (2, 2)}), ((0, 2), {"shape": (3, 0)})
    ),
)
def reshape(x, /, shape):
    """The elements of `x`, in C order, in another `shape`; one length may be -1."""
    return np.reshape(x, shape)


def _inverse(axes):
    """Return the inverse permutation of `axes`."""
    back = [0] * len(axes)
    for k, axis in enumerate(axes):
        back[axis] = k
    return tuple(back)


@rule(
    batch=batching.permute_dims,
    vjp=lambda g, axes: permute_dims(g, _inverse(axes)),
    jvp="linear",
    view=True,
    numpy=(),
    prepare=parameters.read(axes=parameters.integers),
    samples=normal(
        ((2, 3, 4), {"axes": (2, 0, 1)}),
        ((2, 3), {"axes": (1, 0)}),
        ((3, 2), {"axes": (-1, 0)}),
        ((), {"axes": ()}),
        ((0, 2), {"axes": (1, 0)}),
    ),
)
def permute_dims(x, /, axes):
    """`x` with its axes in the order `axes`."""
    return np.transpose(x, axes)


@rule(
    batch=batching.over_axis,
    vjp=lambda g, axis: flip(g, axis),
    jvp="linear",
    view=True,
    prepare=parameters.read(axis=parameters.axes),
    samples=normal(((2, 3), {"axis": None}), ((2, 3), {"axis": -1}), ((2, 3, 2), {"axis": (0, 2)}), ((0, 2), {})),
)
def flip(x, /, axis=None):
    """`x` with its elements in reverse order along `axis`, all axes by default."""
    return np.flip(x, axis)


@rule(
    batch=batching.roll,
    vjp=lambda g, shift, axis: roll(g, np.negative(shift), axis),
    jvp="linear",
    prepare=parameters.read(shift=parameters.numbers, axis=parameters.axes),
    samples=normal(
        ((5,), {"shift": 2}),
        ((2, 3), {"shift": -1, "axis": 1}),
        ((2, 3), {"shift": [1, 2], "axis": (0, 1)}),
        ((0,), {"shift": 1}),
    ),
    pattern=patterns.selects,
)
def roll(x, /, shift, axis=None):
    """`x` shifted by `shift` positions along `axis`; elements shifted beyond one end reappear at the other."""
    if axis is None:
        return _shifted(np.ravel(x), operator.index(np.sum(shift)), 0).reshape(np.shape(x))
    x = np.asarray(x)
    axes, shifts = np.broadcast_arrays(axis, shift) if np.ndim(axis) or np.ndim(shift) else ((axis,), (shift,))
    if not len(axes):
        return np.roll(x, shift, axis)  # raises
    for k, n in zip(axes, shifts, strict=True):
        x = _shifted(x, operator.index(n), normalize_axis_index(int(k), x.ndim))
    return x


def _shifted(x, n, axis):
    """Return `x` rolled along one axis, by two slices: `np.roll` takes four times as long for a few elements."""
    length = x.shape[axis]
    n = n % length if length else 0
    lead, out = (slice(None),) * axis, np.empty_like(x)
    out[(*lead, slice(n, None))] = x[(*lead, slice(None, length - n))]
    out[(*lead, slice(None, n))] = x[(*lead, slice(length - n, None))]
    return out


def _tile_vjp(g, x_shape, reps):
    """`g` summed over the copies."""
    reps = tuple(map(int, np.atleast_1d(reps)))
    ndim = max(len(reps), len(x_shape))
    reps = (1,) * (ndim - len(reps)) + reps
    lengths = (1,) * (ndim - len(x_shape)) + x_shape
    pairs = tuple(n for pair in zip(reps, lengths, strict=True) for n in pair)
    return reshape(ops.sum(reshape(g, pairs), axis=tuple(range(0, 2 * ndim, 2))), x_shape)


@rule(
    batch=batching.tile,
    vjp=lambda g, x_shape, reps: _tile_vjp(g, x_shape, reps),
    jvp="linear",
    prepare=parameters.read(reps=parameters.numbers),
    samples=normal(
        ((3,), {"reps": 2}),
        ((2, 1), {"reps": (2, 1, 3)}),
        ((2, 3, 1), {"reps": (2,)}),
        ((2,), {"reps": 0}),
        ((0,), {"reps": [2, 2]}),
    ),
    pattern=patterns.selects,
)
def tile(x, /, reps):
    """`x` repeated `reps` times along each axis."""
    return np.tile(x, reps)


def _repeat_vjp(g, x_shape, repeats, axis):
    """`g` summed over the repeats of each element."""
    if axis is None or not x_shape:
        shape, axis = (int(np.prod(x_shape, dtype=np.intp)),), 0
    else:
        shape, axis = x_shape, axis % len(x_shape)
    if np.ndim(repeats) == 0:
        parts = (*shape[: axis + 1], int(repeats), *shape[axis + 1 :])
        gx = ops.sum(reshape(g, parts), axis=axis + 1)
    else:
        source = np.repeat(np.arange(shape[axis]), repeats)
        gx = ops.scatter_add(g, (*(slice(None),) * axis, source), shape)
    return gx if shape == x_shape else reshape(gx, x_shape)


@rule(
    batch=batching.along_axis,
    vjp=lambda g, x_shape, repeats, axis: _repeat_vjp(g, x_shape, repeats, axis),
    jvp="linear",  # cotangents of the copies add up
    prepare=parameters.read(repeats=parameters.numbers, axis=parameters.axes),
    samples=normal(
        ((3,), {"repeats": 2}), ((2, 3), {"repeats": 3}), ((2, 3), {"repeats": (1, 0, 2), "axis": 1}),
        ((2, 3), {"repeats": 2, "axis": -2}), ((2,), {"repeats": (2, 1)}), ((2, 2), {"repeats": (2,), "axis": 0}),
        ((2, 2), {"repeats": 0, "axis": 0}), ((0, 2), {"repeats": 2, "axis": 0}), ((), {"repeats": 2, "axis": 0}),
    ),
    pattern=patterns.selects,
)  # fmt: skip
def repeat(x, /, repeats, axis=None):
    """Each element of `x` repeated `repeats` times along `axis`, of the flattened `x` by default."""
    return np.repeat(x, repeats, axis)


@rule(
    batch=batching.triangle,
    vjp=lambda g, x_shape, k: sum_to(tril(g, k), x_shape),
    jvp="linear",
    prepare=parameters.read(k=parameters.integer),
    samples=normal(((3, 3), {}), ((2, 3, 4), {"k": -1}), ((3, 2), {"k": 1}), ((3,), {}), ((0, 2), {})),
    pattern=patterns.selects,
)
def tril(x, /, k=0):
    """Lower triangle of the last two axes of `x`, with zeros above diagonal `k`."""
    return np.tril(x, k)


@rule(
    batch=batching.triangle,
    vjp=lambda g, x_shape, k: sum_to(triu(g, k), x_shape),
    jvp="linear",
    prepare=parameters.read(k=parameters.integer),
    samples=normal(((3, 3), {}), ((2, 3, 4), {"k": -1}), ((3, 2), {"k": 1}), ((3,), {}), ((0, 2), {})),
    pattern=patterns.selects,
)
def triu(x, /, k=0):
    """Upper triangle of the last two axes of `x`, with zeros below diagonal `k`."""
    return np.triu(x, k)


def _pad_pairs(pad_width, ndim):
    if type(pad_width) is int:
        return [(pad_width, pad_width)] * ndim
    pairs = np.broadcast_to(np.asarray(pad_width), (ndim, 2))
    return [(int(before), int(after)) for before, after in pairs]


def _pad_vjp(g, x_shape, pad_width, mode):
    """The inner part of `g`; elements that were copied to the border also get the cotangents of their copies."""
    pairs = _pad_pairs(pad_width, len(x_shape))
    if mode == "constant":
        return ops.getitem(g, tuple(slice(b, b + n) for (b, _), n in zip(pairs, x_shape, strict=True)))
    # all other modes copy elements of x: pad their indices in the same way, and add up
    sources = [np.pad(np.arange(n), pair, mode=mode) for n, pair in zip(x_shape, pairs, strict=True)]
    return ops.scatter_add(g, np.ix_(*sources), x_shape)


PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


@rule(
    batch=batching.pad,
    vjp=lambda g, x_shape, pad_width, mode: _pad_vjp(g, x_shape, pad_width, mode),
    jvp=lambda t, pad_width, mode: pad(t, pad_width, mode),
    prepare=parameters.read(pad_width=parameters.numbers, mode=parameters.word),
    samples=normal(
        ((3,), {"pad_width": 2}), ((2, 3), {"pad_width": ((1, 0), (0, 2)), "constant_values": 7.0}),
        ((3, 4), {"pad_width": (2, 1), "mode": "reflect"}), ((2, 3), {"pad_width": 1, "mode": "edge"}),
        ((3,), {"pad_width": 5, "mode": "symmetric"}), ((3,), {"pad_width": (1, 4), "mode": "wrap"}),
        ((0, 2), {"pad_width": ((1, 0), (0, 1))}),
    ),
    pattern=patterns.selects,
)  # fmt: skip
def pad(x, /, pad_width, mode="constant", constant_values=0):
    """`x` with a border: constant, or copies of its own elements ("edge", "reflect", "symmetric", "wrap")."""
    if mode == "constant":
        if type(pad_width) is int and pad_width >= 0 and type(constant_values) in (int, float):
            # a third of the time of np.pad, which is general Python code
            x = np.asarray(x)
            y = np.full([n + 2 * pad_width for n in x.shape], constant_values, x.dtype)
            y[(slice(pad_width, -pad_width or None),) * x.ndim] = x
            return y
        return np.pad(x, pad_width, mode, constant_values=constant_values)
    if mode not in PAD_MODES:
        raise ValueError(f"pad mode {mode!r} is not supported: use one of {', '.join(PAD_MODES)}")
    return np.pad(x, pad_width, mode)


@rule(
    batch=batching.same,
    vjp=lambda g: g,
    jvp="linear",
    samples=normal(((2, 3), {}), ((), {}), ((0,), {})),
    pattern=patterns.elementwise,
)
def copy(x, /):
    """Copy of `x`, recorded."""
    return np.array(x)


# `Rule._fit` converts the cotangent to the dtype of the operand, as for every op
@rule(
    batch=batching.same,
    vjp=lambda g: g,
    jvp=lambda t: t,
    samples=normal(((2, 3), {"dtype": "float64"}), ((0,), {"dtype": "complex128"})),
    pattern=patterns.elementwise,
)
def astype(x, /, dtype):
    """`x` converted to `dtype`; always a copy."""
    return np.asarray(x).astype(dtype)
