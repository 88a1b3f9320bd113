"""Values between two ends that are Tensors, under NumPy's names. Imported at first use."""

import numpy as np

from fastgrad import errors, parameters
from fastgrad.functions.arguments import as_tensor, plain
from fastgrad.functions.joining import concat
from fastgrad.functions.shapes import broadcast_to, expand_dims, moveaxis
from fastgrad.rules import counting
from fastgrad.rules.rule import FUNCTIONS

_getitem, _power = FUNCTIONS["getitem"], FUNCTIONS["power"]


def between(start, stop, num, endpoint, retstep, dtype, axis):
    """Return `linspace` of Tensors, and the distance of the values if `retstep` is True."""
    y = counting.linspace(start, stop, num, endpoint, dtype, axis)
    if not retstep:
        return y
    parts = num - 1 if endpoint else num
    return y, (stop - start) / parts if parts > 0 else as_tensor(np.nan)


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """Return `num` values from `base**start` to `base**stop`, evenly spaced on a logarithmic scale.

    Parameters
    ----------
    start, stop : Tensor, array or number
    num : int
    endpoint : bool
        Whether the last value is `base**stop`.
    base : Tensor, array or number
    dtype : dtype, optional
    axis : int
        The axis of the result for the values.

    Returns
    -------
    Tensor
    """
    if np.ndim(plain(base)):
        start, stop, base = map(as_tensor, (start, stop, base))
        ndim = max(start.ndim, stop.ndim, base.ndim)
        start, stop, base = (_with_axes(x, ndim) for x in (start, stop, base))
        base = expand_dims(base, axis)
    y = _power(base, counting.linspace(start, stop, num, endpoint, None, axis))
    return y if dtype is None else FUNCTIONS["astype"](y, np.dtype(dtype))


def _with_axes(x, ndim):
    return _getitem(x, (None,) * (ndim - x.ndim) + (...,))


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Return `num` values from `start` to `stop`, each of them the one before times a constant.

    Parameters
    ----------
    start, stop : Tensor, array or number
        Not 0. Complex values lie on a spiral.
    num : int
    endpoint : bool
        Whether the last value is `stop`.
    dtype : dtype, optional
    axis : int
        The axis of the result for the values.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If an end is 0.
    """
    num = parameters.integer(num)
    start, stop = as_tensor(start), as_tensor(stop)
    dtype = np.result_type(start.dtype, stop.dtype, float(num), np.zeros((), dtype))
    start, stop = (FUNCTIONS["astype"](x, dtype) for x in (start, stop))
    if not (plain(start).all() and plain(stop).all()):
        raise errors.BadSetting("geomspace: an end is 0, which no geometric sequence reaches")
    shape = np.broadcast_shapes(start.shape, stop.shape)
    start, stop = (x if x.shape == shape else broadcast_to(x, shape) for x in (start, stop))
    sign, log = FUNCTIONS["sign"](start), FUNCTIONS["log10"]
    y = sign * logspace(log(start / sign), log(stop / sign), num, endpoint)
    if num:  # the ends are exact
        last = [expand_dims(stop, 0)] if endpoint and num > 1 else []
        y = concat([expand_dims(start, 0), _getitem(y, slice(1, num - len(last))), *last])
    return moveaxis(y, 0, axis) if axis else y
