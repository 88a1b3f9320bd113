"""Argument handling of the public functions: conversion to Tensors and arrays, axes in range, what is recorded."""

import numpy as np

from fastgrad import errors, parameters
from fastgrad._engine import Tensor, asarray, constant_call, is_capturing, is_grad_enabled, leave
from fastgrad.batching import Batched, holds
from fastgrad.tracebacks import shorten


def as_tensor(x):
    """Return `x` if it is a Tensor, otherwise a Tensor that shares its memory where possible."""
    return x if isinstance(x, Tensor) else asarray(x)


def one_axis(op, axis, ndim):
    """Return an axis as an int from 0 to ndim - 1; raise AxisError if it is out of bounds."""
    try:
        k = parameters.integer(axis)
        if not -ndim <= k < ndim:
            raise errors.bad_axis(op, k, ndim)
        return k % ndim
    except Exception as error:
        shorten(error)
        raise


def distinct_axes(op, axis, ndim):
    """Return axes as a tuple of ints from 0 to ndim - 1; raise ShapeError if one occurs twice."""
    try:
        axis = parameters.axes(axis)
        axes = tuple(one_axis(op, k, ndim) for k in (axis if type(axis) is tuple else (axis,)))
        if len(set(axes)) != len(axes):
            raise errors.ShapeError(f"{op}: axis {axis} contains an axis twice: pass each axis once")
        return axes
    except Exception as error:
        shorten(error)
        raise


def is_end(axis):
    """Return whether `axis`, converted by `parameters.axes`, is the int 0 or -1."""
    return type(axis) is int and axis in (0, -1)


def plain(x):
    """Return the ndarray of a Tensor; convert Tensors in lists, tuples and dicts; return anything else unchanged."""
    if isinstance(x, Tensor):
        if is_capturing():
            leave(x, "an array")
        return x.detach().numpy()
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if type(x) in (list, tuple):
        return type(x)(map(plain, x))
    return x


def constant_result(name, call, x):
    """Return `call` of the array of `x` as a Tensor without gradient: in a program, a step that calls it every time."""
    if is_capturing() and isinstance(x, Tensor):
        return constant_call(name, call, (x,))
    return asarray(call(np.asarray(plain(x))))


def records(value):
    """Return whether operations on any Tensor inside `value` would be recorded now."""
    if not is_grad_enabled():
        return holds(value)  # the ops compute with values of vmap, and plain functions do not
    if type(value) is Batched:
        return True
    if isinstance(value, Tensor):
        return value.requires_grad
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (tuple, list)):
        return False
    return any(map(records, value))


def has_gradient(result):
    """Return whether a result could have a gradient: it is not an integer, boolean, text, date, or a tuple of these."""
    if isinstance(result, (tuple, list)):
        return any(map(has_gradient, result))
    if isinstance(result, np.dtype):
        return False
    kind = getattr(getattr(result, "dtype", None), "kind", None)
    return kind not in "biuSUTmM" if kind is not None else not isinstance(result, (int, str, type))
