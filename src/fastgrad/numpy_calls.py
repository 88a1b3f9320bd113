"""Calls of NumPy's functions with Tensors that the engine's fast path leaves: lists, `out=`, `where=`, and errors.

A call with arguments that fastgrad's function does not have runs NumPy's function on plain arrays, unless that would
lose a gradient.
"""

from itertools import zip_longest

import numpy as np

from fastgrad import errors, leaving
from fastgrad._engine import Tensor, asarray
from fastgrad.batching import VmapError, holds
from fastgrad.call_plans import DEEPEST
from fastgrad.functions import arrays, batches
from fastgrad.functions.arguments import has_gradient, plain, records
from fastgrad.rules.rule import FUNCTIONS

_NO_ARRAYS = {"out", "shape", "newshape", "axis", "axes"}  # parameters whose tuples are no arrays


def general(door, args, kwargs):
    """Call the counterpart of a NumPyFunction if it supports these arguments, and otherwise NumPy's function."""
    plan = door.plan
    if plan.depth < DEEPEST:
        names = plan.names if not plan.many else ()
        args = tuple(_joined(x, name, plan.depth) for name, x in zip_longest(names, args))[: len(args)]
        kwargs = {name: _joined(x, name, plan.depth) for name, x in kwargs.items()}
    bound = plan.bind(args, kwargs)
    if bound is None:
        return on_arrays(door.function, plan.name, args, kwargs)  # NumPy raises
    found, keywords, unsupported = bound
    if not unsupported:
        return door.counterpart(*found, **keywords)
    if "out" in unsupported:
        kwargs = dict(zip(plan.names[plan.n_only :], args[plan.n_only :], strict=False)) | kwargs
        args = args[: plan.n_only]
        if unsupported.keys() <= {"out", "where"} and (records((args, kwargs))):
            return _recorded(plan.name, door.counterpart(*found, **keywords), **unsupported)
    if records((args, kwargs)):
        raise leaving.no_numpy_argument(plan.name, next(iter(unsupported)))
    return on_arrays(door.function, plan.name, args, kwargs)


def _joined(x, name, depth):
    """Return an argument with lists of Tensors as Tensors: itself, or if it is a sequence of arrays, its elements."""
    if name in _NO_ARRAYS:
        return x
    return type(x)(map(arrays.joined, x)) if depth and type(x) in (list, tuple) else arrays.joined(x)


def _recorded(name, y, out, where=True):
    """Assign a recorded result to the Tensor `out`, where `where` is true."""
    target = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if not isinstance(target, Tensor):
        raise leaving.no_numpy_out(name)
    if target.requires_grad and target.is_leaf:
        raise leaving.no_numpy_argument(name, "out")
    _check_fits(name, target, y)
    target[...] = y if where is True else FUNCTIONS["where"](where, y, target)
    return target


def on_arrays(function, name, args, kwargs):
    """Call NumPy's function on plain arrays; raise if this loses a gradient."""
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    if out is not None and records((args, kwargs, out)):
        raise leaving.no_numpy_argument(name, "out")
    if out is not None and "where" in kwargs:  # keeps the other elements
        kwargs["out"] = tuple(np.array(plain(x)) for x in (out if isinstance(out, tuple) else (out,)))
    try:
        result = function(*plain(args), **plain(kwargs))
    except VmapError:
        if out is not None or not holds((args, kwargs)):
            raise
        return batches.constant(lambda *args, **kwargs: on_arrays(function, name, args, kwargs), function, args, kwargs)
    if out is not None:
        return _write_out(out, result, name)
    if has_gradient(result) and records((args, kwargs)):
        raise leaving.no_numpy_rule(name)
    return wrapped(result)


def _check_fits(name, target, value):
    if not np.can_cast(value.dtype, target.dtype, "same_kind"):
        raise errors.inplace_dtype(name, value.dtype, target.dtype)
    ends = zip(value.shape[::-1], target.shape[::-1], strict=False)
    if value.ndim > target.ndim or not all(n in (1, length) for n, length in ends):
        raise errors.inplace_shape(name, value.shape, target.shape)


def _write_out(out, result, name):
    """Assign results to the arrays or Tensors in `out`. Checks all of them before it writes."""
    targets = out if isinstance(out, tuple) else (out,)
    pairs = zip(targets, result if isinstance(result, tuple) else (result,), strict=True)
    pairs = [(target, value) for target, value in pairs if target is not None]
    for target, value in pairs:
        _check_fits(name, target, value)
    for target, value in pairs:
        target[...] = value
    return targets[0] if len(targets) == 1 else targets


def wrapped(value):
    """Convert arrays in `value` to Tensors, unless a Tensor does not support their dtype."""
    if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
        return type(value)(map(wrapped, value))
    if (
        isinstance(value, (np.ndarray, np.generic))
        and not hasattr(value, "_baseclass")
        and value.dtype.char in "?bhilqBHILQfdFD"
    ):
        return asarray(value)
    return value
