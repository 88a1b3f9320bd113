"""What the public functions do with their arguments: as Tensors, as plain arrays, as axes in range; what records."""

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import Tensor, asarray, is_grad_enabled


def as_tensor(x):
    """`x` if it is a Tensor, otherwise a Tensor that shares its memory where it can."""
    return x if isinstance(x, Tensor) else asarray(x)


def one_axis(op, axis, ndim):
    """An axis as a number from 0 to ndim - 1."""
    k = parameters.integer(axis)
    if not -ndim <= k < ndim:
        raise errors.bad_axis(op, k, ndim)
    return k % ndim


def distinct_axes(op, axis, ndim):
    """Axes as a tuple of numbers in range, each once."""
    axis = parameters.axes(axis)
    axes = tuple(one_axis(op, k, ndim) for k in (axis if type(axis) is tuple else (axis,)))
    if len(set(axes)) != len(axes):
        raise errors.ShapeError(f"{op}: {axis} names an axis twice; each may stand there once")
    return axes


def is_end(axis):
    """Whether `axis`, as `parameters.axes` reads it, is the one number 0 or -1."""
    return type(axis) is int and axis in (0, -1)


def plain(x):
    """The ndarray of a Tensor; lists, tuples and dicts with every Tensor inside replaced; anything else as it is."""
    if isinstance(x, Tensor):
        return x.detach().numpy()
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if type(x) in (list, tuple):
        return type(x)(map(plain, x))
    return x


def records(value):
    """Whether any Tensor inside `value` would record now."""
    if not is_grad_enabled():
        return False
    if isinstance(value, Tensor):
        return value.requires_grad
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (tuple, list)):
        return False
    return any(map(records, value))


def has_gradient(result):
    """Whether a result could have had a gradient: anything but integers, booleans, text, dates, and tuples of these."""
    if isinstance(result, (tuple, list)):
        return any(map(has_gradient, result))
    if isinstance(result, np.dtype):
        return False
    kind = getattr(getattr(result, "dtype", None), "kind", None)
    return kind not in "biuSUTmM" if kind is not None else not isinstance(result, (int, str, type))
